using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>An array that the library sends from where it lies.</summary>
    internal sealed unsafe class OwnedBuffer
    {
        // The library calls it as long as drivers live.
        private static readonly NativeMethods.nd_driver_send_owned_release_delegate s_OnRelease =
            OnRelease;

        private readonly byte[] m_Data;
        private readonly BufferReleased m_Released;
        private readonly object m_User;
        private GCHandle m_Pin;
        private GCHandle m_Self;

        private OwnedBuffer(byte[] data, BufferReleased released, object user)
        {
            m_Data = data;
            m_Released = released;
            m_User = user;
            m_Pin = GCHandle.Alloc(data, GCHandleType.Pinned);
            m_Self = GCHandle.Alloc(this);
        }

        internal static int Send(
            nd_driver* driver, ulong connection, byte[] data, int offset, int count, uint flags,
            BufferReleased released, object user)
        {
            OwnedBuffer buffer = new OwnedBuffer(data, released, user);
            byte* start = (byte*)buffer.m_Pin.AddrOfPinnedObject() + offset;
            int result = NativeMethods.nd_driver_send_owned(
                driver, connection, 0, start, (uint)count, flags, s_OnRelease,
                (void*)GCHandle.ToIntPtr(buffer.m_Self));
            if (result != NativeMethods.ND_OK)
                buffer.Free();
            return result;
        }

        private void Free()
        {
            m_Pin.Free();
            m_Self.Free();
        }

        [MonoPInvokeCallback(typeof(NativeMethods.nd_driver_send_owned_release_delegate))]
        private static void OnRelease(byte* data, void* user)
        {
            // An exception must not pass through the library's frames.
            try
            {
                OwnedBuffer buffer = (OwnedBuffer)GCHandle.FromIntPtr((IntPtr)user).Target;
                buffer.Free();
                buffer.m_Released(buffer.m_Data, buffer.m_User);
            }
            catch (Exception)
            {
            }
        }
    }
}
