using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// The functions that the library calls for custom interfaces. Whom they are for is found by a
    /// handle to this side's object.
    /// </summary>
    internal static unsafe class InterfaceTable
    {
        private const int Failed = (int)Error.StatusCode.NetworkSocketError;

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Bind(void* user, nd_endpoint* endpoint, nd_endpoint* bound);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Listen(void* user);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Receive(
            void* user, nd_incoming_packet* packets, uint capacity, uint* count);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Send(
            void* user, nd_outgoing_packet* packets, uint count, uint* taken);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void Release(void* user);

        // The library holds pointers to these delegates.
        private static readonly Bind s_Bind = OnBind;
        private static readonly Listen s_Listen = OnListen;
        private static readonly Receive s_Receive = OnReceive;
        private static readonly Send s_Send = OnSend;
        private static readonly Release s_Release = OnRelease;

        /// <summary>
        /// Adds an interface; the handle keeps it alive until the driver is gone.
        /// </summary>
        internal static int Add(
            nd_driver* driver, CustomNetworkInterface custom, out int index, out GCHandle handle)
        {
            nd_interface_functions table;
            NativeMethods.nd_interface_functions_init(&table);
            table.bind = (void*)Marshal.GetFunctionPointerForDelegate(s_Bind);
            table.listen = (void*)Marshal.GetFunctionPointerForDelegate(s_Listen);
            table.receive = (void*)Marshal.GetFunctionPointerForDelegate(s_Receive);
            table.send = (void*)Marshal.GetFunctionPointerForDelegate(s_Send);
            table.release = (void*)Marshal.GetFunctionPointerForDelegate(s_Release);
            handle = GCHandle.Alloc(custom);
            table.user = (void*)GCHandle.ToIntPtr(handle);
            uint number;
            int result = NativeMethods.nd_driver_add_custom_interface(driver, &table, &number);
            index = result == NativeMethods.ND_OK ? (int)number : -1;
            if (result == NativeMethods.ND_OK)
                custom.Attach(driver);
            return result;
        }

        private static CustomNetworkInterface Target(void* user)
        {
            return (CustomNetworkInterface)GCHandle.FromIntPtr((IntPtr)user).Target;
        }

        // An exception must not pass through the library's frames.
        private static int Failure(void* user, Exception exception)
        {
            Target(user).LastException = exception;
            return Failed;
        }

        [MonoPInvokeCallback(typeof(Bind))]
        private static int OnBind(void* user, nd_endpoint* endpoint, nd_endpoint* bound)
        {
            try
            {
                NetworkEndpoint local;
                int result = Target(user).Bind(new NetworkEndpoint(*endpoint), out local);
                *bound = local.m_Native;
                return result;
            }
            catch (Exception exception)
            {
                return Failure(user, exception);
            }
        }

        [MonoPInvokeCallback(typeof(Listen))]
        private static int OnListen(void* user)
        {
            try
            {
                return Target(user).Listen();
            }
            catch (Exception exception)
            {
                return Failure(user, exception);
            }
        }

        [MonoPInvokeCallback(typeof(Receive))]
        private static int OnReceive(
            void* user, nd_incoming_packet* packets, uint capacity, uint* count)
        {
            try
            {
                IncomingPackets view = new IncomingPackets(packets, (int)capacity);
                int result = Target(user).Receive(ref view);
                *count = (uint)view.Count;
                return result;
            }
            catch (Exception exception)
            {
                return Failure(user, exception);
            }
        }

        [MonoPInvokeCallback(typeof(Send))]
        private static int OnSend(void* user, nd_outgoing_packet* packets, uint count, uint* taken)
        {
            try
            {
                OutgoingPackets view = new OutgoingPackets(packets, (int)count);
                int result = Target(user).Send(ref view);
                *taken = (uint)view.Taken;
                return result;
            }
            catch (Exception exception)
            {
                return Failure(user, exception);
            }
        }

        [MonoPInvokeCallback(typeof(Release))]
        private static void OnRelease(void* user)
        {
            try
            {
                Target(user).Release();
            }
            catch (Exception exception)
            {
                Failure(user, exception);
            }
        }
    }
}
