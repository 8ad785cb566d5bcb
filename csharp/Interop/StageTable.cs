using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// The functions that the library calls for stages of pipelines. What they are for is found by
    /// handles to this side's objects.
    /// </summary>
    internal static unsafe class StageTable
    {
        private const int Failed = -1;

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Create(void* user, ulong seed, void** state);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate int Handle(void* user, void* state, nd_stage_call* call);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void Destroy(void* user, void* state);

        // The library holds pointers to these delegates.
        private static readonly Create s_Create = OnCreate;
        private static readonly Handle s_Send = OnSend;
        private static readonly Handle s_Receive = OnReceive;
        private static readonly Handle s_Timeout = OnTimeout;
        private static readonly Destroy s_Destroy = OnDestroy;

        /// <summary>
        /// Registers a stage; the handle keeps it alive until the driver is gone.
        /// </summary>
        internal static int Add(
            nd_driver* driver, INetworkPipelineStage stage, out uint number, out GCHandle handle)
        {
            nd_stage_functions table;
            NativeMethods.nd_stage_functions_init(&table);
            table.header_size = (uint)stage.HeaderCapacity;
            table.payload_capacity = (uint)stage.PayloadCapacity;
            table.create = (void*)Marshal.GetFunctionPointerForDelegate(s_Create);
            table.send = (void*)Marshal.GetFunctionPointerForDelegate(s_Send);
            table.receive = (void*)Marshal.GetFunctionPointerForDelegate(s_Receive);
            table.timeout = (void*)Marshal.GetFunctionPointerForDelegate(s_Timeout);
            table.destroy = (void*)Marshal.GetFunctionPointerForDelegate(s_Destroy);
            handle = GCHandle.Alloc(stage);
            table.user = (void*)GCHandle.ToIntPtr(handle);
            uint made = 0;
            int result;
            fixed (byte* name = Utf8.NulEnded(stage.GetType().Name, "stage"))
            {
                table.name = name;
                result = NativeMethods.nd_driver_register_stage(driver, &table, &made);
            }
            number = made;
            return result;
        }

        private static INetworkPipelineStageState State(void* handle)
        {
            return (INetworkPipelineStageState)GCHandle.FromIntPtr((IntPtr)handle).Target;
        }

        // An exception must not pass through the library's frames.
        [MonoPInvokeCallback(typeof(Create))]
        private static int OnCreate(void* user, ulong seed, void** state)
        {
            try
            {
                INetworkPipelineStage stage =
                    (INetworkPipelineStage)GCHandle.FromIntPtr((IntPtr)user).Target;
                INetworkPipelineStageState made = stage.CreateState(seed);
                if (made == null)
                    return Failed;
                *state = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(made));
                return 0;
            }
            catch (Exception)
            {
                return Failed;
            }
        }

        [MonoPInvokeCallback(typeof(Handle))]
        private static int OnSend(void* user, void* state, nd_stage_call* call)
        {
            try
            {
                NetworkPipelineStageCall view = new NetworkPipelineStageCall(call);
                return State(state).Send(ref view);
            }
            catch (Exception)
            {
                return Failed;
            }
        }

        [MonoPInvokeCallback(typeof(Handle))]
        private static int OnReceive(void* user, void* state, nd_stage_call* call)
        {
            try
            {
                NetworkPipelineStageCall view = new NetworkPipelineStageCall(call);
                return State(state).Receive(ref view);
            }
            catch (Exception)
            {
                return Failed;
            }
        }

        [MonoPInvokeCallback(typeof(Handle))]
        private static int OnTimeout(void* user, void* state, nd_stage_call* call)
        {
            try
            {
                NetworkPipelineStageCall view = new NetworkPipelineStageCall(call);
                State(state).Timeout(ref view);
                return 0;
            }
            catch (Exception)
            {
                return Failed;
            }
        }

        [MonoPInvokeCallback(typeof(Destroy))]
        private static void OnDestroy(void* user, void* state)
        {
            try
            {
                GCHandle handle = GCHandle.FromIntPtr((IntPtr)state);
                INetworkPipelineStageState made = (INetworkPipelineStageState)handle.Target;
                handle.Free();
                made.Release();
            }
            catch (Exception)
            {
            }
        }
    }
}
