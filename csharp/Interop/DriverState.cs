using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace NetDriver.Interop
{
    /// <summary>
    /// What all copies of one <see cref="NetworkDriver"/> share: the library's handle and the
    /// memory of this side. It has no finalizer, because a reader may outlive the last use of its
    /// driver: a driver that nobody disposes lives until the domain ends.
    /// </summary>
    internal sealed unsafe class DriverState
    {
        private static readonly List<DriverState> s_Live = new List<DriverState>();
        private static bool s_UnloadWatched;

        internal nd_driver* Handle;
        internal readonly EventBatch Events;
        internal readonly NetworkSettings Settings;
        internal int ReceiveErrorCode;
        internal int HeaderSize;
        private byte* m_Text;
        private int m_TextCapacity;

        internal DriverState(NetworkSettings settings)
        {
            Settings = settings.Snapshot();
            nd_settings native = Settings.ToNative();
            nd_driver* handle;
            int result = NativeMethods.nd_driver_create(&native, &handle);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The driver cannot be created", result);
            Handle = handle;
            Events = new EventBatch();
            lock (s_Live)
            {
                s_Live.Add(this);
                if (!s_UnloadWatched)
                {
                    // A script reload in Unity keeps the library loaded, and with it the ports.
                    AppDomain.CurrentDomain.DomainUnload += OnUnload;
                    s_UnloadWatched = true;
                }
            }
        }

        internal void Destroy()
        {
            if (Handle == null)
                return;
            int result = NativeMethods.nd_driver_destroy(Handle);
            if (result == (int)Error.StatusCode.DriverInUse)
                return;
            Handle = null;
            Events.Free();
            Marshal.FreeHGlobal((IntPtr)m_Text);
            m_Text = null;
            m_TextCapacity = 0;
            lock (s_Live)
                s_Live.Remove(this);
        }

        internal int AddInterface(INetworkInterface networkInterface, out int index)
        {
            NetworkInterfaceDescription description = networkInterface.Describe();
            if (description.Path == null && description.Kind == NetworkInterfaceKind.WebSocket)
                description.Path = Settings.GetWebSocketParameters().Path;
            int result = description.AddTo(Handle, out index);
            if (result == NativeMethods.ND_OK)
                HeaderSize = Math.Max(HeaderSize,
                    NetworkInterfaceDescription.HeaderSize(description.Kind));
            return result;
        }

        internal int Update()
        {
            Events.Keep();
            int result = NativeMethods.nd_driver_update(Handle);
            ReceiveErrorCode = result;
            return result;
        }

        internal int SendText(NetworkConnection connection, string text)
        {
            int most = Encoding.UTF8.GetMaxByteCount(text.Length);
            if (most > m_TextCapacity)
            {
                Marshal.FreeHGlobal((IntPtr)m_Text);
                m_TextCapacity = 0;
                m_Text = null;
                m_Text = (byte*)Marshal.AllocHGlobal(most);
                m_TextCapacity = most;
            }
            int count = 0;
            fixed (char* characters = text)
            {
                if (text.Length > 0)
                    count = Encoding.UTF8.GetBytes(characters, text.Length, m_Text, m_TextCapacity);
            }
            return NativeMethods.nd_driver_send(
                Handle, connection.Value, 0, m_Text, (uint)count, NativeMethods.ND_SEND_FLAG_TEXT);
        }

        private static void OnUnload(object sender, EventArgs arguments)
        {
            lock (s_Live)
            {
                foreach (DriverState state in s_Live)
                    NativeMethods.nd_driver_destroy(state.Handle);
                s_Live.Clear();
            }
        }
    }
}
