using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace NetDriver.Interop
{
    /// <summary>
    /// What all copies of one <see cref="NetworkDriver"/> share: the library's handle and the
    /// memory of this side. It has no finalizer, because a reader may outlive the last use of its
    /// driver: a driver that nobody disposes lives until the domain ends. One thread at a time is
    /// inside; another one is told that the driver is in use.
    /// </summary>
    internal sealed unsafe partial class DriverState
    {
        private const int DriverInUse = (int)Error.StatusCode.DriverInUse;
        private const int InvalidHandle = (int)Error.StatusCode.InvalidHandle;

        private static readonly List<DriverState> s_Live = new List<DriverState>();
        private static bool s_UnloadWatched;

        internal nd_driver* Handle;
        internal readonly EventBatch Events;
        internal readonly NetworkSettings Settings;
        internal int ReceiveErrorCode;
        private readonly bool m_LocalCloseEvents;
        private int m_Busy;
        // The extensions, stages and interfaces that the library may call until the driver is gone.
        private readonly List<GCHandle> m_Kept = new List<GCHandle>();
        // The program's stages of pipelines, and the numbers by which the library knows them.
        private readonly Dictionary<Type, uint> m_Stages = new Dictionary<Type, uint>();

        internal DriverState(NetworkSettings settings)
        {
            Settings = settings.Snapshot();
            m_LocalCloseEvents = Settings.GetNetDriverParameters().localCloseEvents;
            nd_settings native = Settings.ToNative();
            nd_driver* handle;
            int result = NativeMethods.nd_driver_create(&native, &handle);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The driver cannot be created", result);
            Handle = handle;
            Events = new EventBatch();
            m_Self = GCHandle.Alloc(this);
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

        /// <summary>
        /// Destroys the driver; does nothing when it is destroyed, or a call on it is under way.
        /// </summary>
        internal void Destroy()
        {
            if (!Enter())
                return;
            try
            {
                if (Handle == null)
                    return;
                int result = NativeMethods.nd_driver_destroy(Handle);
                if (result == DriverInUse)
                    return;
                Handle = null;
                Events.Free();
                foreach (GCHandle kept in m_Kept)
                    kept.Free();
                m_Kept.Clear();
                ReleaseJobs();
            }
            finally
            {
                Leave();
            }
            lock (s_Live)
                s_Live.Remove(this);
        }

        internal int AddInterface(INetworkInterface networkInterface, out int index)
        {
            NetworkInterfaceDescription description = networkInterface.Describe();
            if (description.Path == null && description.Kind == NetworkInterfaceKind.WebSocket)
                description.Path = Settings.GetWebSocketParameters().Path;
            index = -1;
            bool isSecret = description.Kind == NetworkInterfaceKind.WebSocket
                || description.Kind == NetworkInterfaceKind.Tcp;
            if (Settings.IsSecure && !isSecret && description.Kind != NetworkInterfaceKind.Ipc)
                return (int)Error.StatusCode.NotSupported;
            CustomNetworkInterface custom = networkInterface as CustomNetworkInterface;
            int result = custom != null ? AddCustom(custom, out index)
                : description.AddTo(Handle, out index);
            if (result == NativeMethods.ND_OK && isSecret)
                result = Settings.SecureInterface(Handle, index);
            return result;
        }

        private int AddCustom(CustomNetworkInterface custom, out int index)
        {
            GCHandle handle;
            int result = InterfaceTable.Add(Handle, custom, out index, out handle);
            if (result == NativeMethods.ND_OK)
                m_Kept.Add(handle);
            else
                handle.Free();
            return result;
        }

        internal int AddExtension(uint interfaceIndex, IWebSocketExtension extension)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                if (Handle == null)
                    return InvalidHandle;
                GCHandle handle;
                int result = ExtensionTable.Add(Handle, interfaceIndex, extension, out handle);
                if (result == NativeMethods.ND_OK)
                    m_Kept.Add(handle);
                else
                    handle.Free();
                return result;
            }
            finally
            {
                Leave();
            }
        }

        internal int RegisterStage(Type type, INetworkPipelineStage stage)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                if (Handle == null)
                    return InvalidHandle;
                if (m_Stages.ContainsKey(type))
                    return (int)Error.StatusCode.InvalidArgument;
                uint number;
                GCHandle handle;
                int result = StageTable.Add(Handle, stage, out number, out handle);
                if (result != NativeMethods.ND_OK)
                {
                    handle.Free();
                    return result;
                }
                m_Kept.Add(handle);
                m_Stages.Add(type, number);
                return result;
            }
            finally
            {
                Leave();
            }
        }

        internal int CreatePipeline(NetworkPipelineStage[] stages, out byte made)
        {
            byte number = 0;
            int result = WithStages(stages, &number);
            made = number;
            return result;
        }

        internal int CheckPipeline(NetworkPipelineStage[] stages)
        {
            return WithStages(stages, null);
        }

        // Makes a pipeline, or only asks whether it could be made.
        private int WithStages(NetworkPipelineStage[] stages, byte* made)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                if (Handle == null)
                    return InvalidHandle;
                int count = stages.Length;
                nd_pipeline_stage* natives = stackalloc nd_pipeline_stage[count + 1];
                nd_simulator_stage* networks = stackalloc nd_simulator_stage[count + 1];
                for (int i = 0; i < count; i++)
                {
                    if (!Describe(stages[i], out natives[i], networks + i))
                        return (int)Error.StatusCode.InvalidArgument;
                }
                return made == null
                    ? NativeMethods.nd_driver_check_pipeline(Handle, natives, (uint)count)
                    : NativeMethods.nd_driver_create_pipeline(Handle, natives, (uint)count, made);
            }
            finally
            {
                Leave();
            }
        }

        // False for a type that is no stage.
        private bool Describe(
            NetworkPipelineStage stage, out nd_pipeline_stage native, nd_simulator_stage* network)
        {
            native = default(nd_pipeline_stage);
            uint number;
            if (stage.Stage == typeof(NullPipelineStage))
                native.stage = NativeMethods.ND_PIPELINE_STAGE_NULL;
            else if (stage.Stage == typeof(FragmentationPipelineStage))
                native.stage = NativeMethods.ND_PIPELINE_STAGE_FRAGMENTATION;
            else if (stage.Stage == typeof(ReliableSequencedPipelineStage))
                native.stage = NativeMethods.ND_PIPELINE_STAGE_RELIABLE_SEQUENCED;
            else if (stage.Stage == typeof(UnreliableSequencedPipelineStage))
                native.stage = NativeMethods.ND_PIPELINE_STAGE_UNRELIABLE_SEQUENCED;
            else if (stage.Stage == typeof(SimulatorPipelineStage))
                native.stage = NativeMethods.ND_PIPELINE_STAGE_SIMULATOR;
            else if (stage.Stage != null && m_Stages.TryGetValue(stage.Stage, out number))
                native.stage = number;
            else
                return false;
            if (stage.Fragmenting.HasValue)
                native.payload_capacity = (uint)stage.Fragmenting.Value.PayloadCapacity;
            if (stage.Reliability.HasValue)
            {
                native.window_size = (uint)stage.Reliability.Value.WindowSize;
                native.minimum_resend_time_ms = stage.Reliability.Value.MinimumResendTime;
                native.maximum_resend_time_ms = stage.Reliability.Value.MaximumResendTime;
            }
            SimulatorUtility.Parameters? simulator = stage.Network;
            if (!simulator.HasValue && stage.Stage == typeof(SimulatorPipelineStage))
                simulator = Settings.SimulatorStage;
            if (simulator.HasValue)
            {
                *network = simulator.Value.ToNative();
                native.simulator = network;
            }
            return true;
        }

        internal NetworkEvent.Type Pop(
            out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            if (Enter())
            {
                try
                {
                    return Events.Pop(Handle, out connection, out reader, out pipeline);
                }
                finally
                {
                    Leave();
                }
            }
            connection = default(NetworkConnection);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        internal NetworkEvent.Type PopFor(
            NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            if (Enter())
            {
                try
                {
                    return Events.PopFor(Handle, connection, out reader, out pipeline);
                }
                finally
                {
                    Leave();
                }
            }
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        internal NetworkEventDetails LastEvent()
        {
            if (!Enter())
                return default(NetworkEventDetails);
            try
            {
                return Handle == null ? default(NetworkEventDetails) : Events.Last;
            }
            finally
            {
                Leave();
            }
        }

        internal int EventCount(NetworkConnection connection)
        {
            if (!Enter())
                return 0;
            try
            {
                uint count = 0;
                NativeMethods.nd_driver_get_event_count(Handle, connection.Value, &count);
                return (int)count + Events.CountFor(connection);
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>
        /// What a call on a connection returns. When the connection's end was popped but not handed
        /// out yet, the library has forgotten it; for the program it is still there, and closed.
        /// </summary>
        internal int Refine(int result, NetworkConnection connection)
        {
            if (result != (int)Error.StatusCode.NetworkVersionMismatch)
                return result;
            if (!Enter())
                return DriverInUse;
            try
            {
                return Events.CountFor(connection) > 0
                    ? (int)Error.StatusCode.NetworkStateMismatch : result;
            }
            finally
            {
                Leave();
            }
        }

        internal int Disconnect(NetworkConnection connection)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                return Closed(
                    connection, NativeMethods.nd_driver_disconnect(Handle, connection.Value));
            }
            finally
            {
                Leave();
            }
        }

        internal int Close(NetworkConnection connection, ushort code, byte* reason, uint length)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                return Closed(connection, NativeMethods.nd_driver_close(
                    Handle, connection.Value, code, reason, length));
            }
            finally
            {
                Leave();
            }
        }

        // After a local close no event follows, those that were popped ahead included. When the
        // connection's end was among them, the library has forgotten the connection already.
        private int Closed(NetworkConnection connection, int result)
        {
            bool gone = result == (int)Error.StatusCode.NetworkVersionMismatch;
            if (result != NativeMethods.ND_OK && !gone)
                return result;
            if (m_LocalCloseEvents && EndIsToCome(connection))
                return NativeMethods.ND_OK;
            return Events.Drop(connection) ? NativeMethods.ND_OK : result;
        }

        // The program wants to see the end of connections that it closes, and with it what comes
        // before: does such an end wait here, or in the library?
        private bool EndIsToCome(NetworkConnection connection)
        {
            int state = 0;
            uint count = 0;
            NativeMethods.nd_connection_get_state(Handle, connection.Value, &state);
            NativeMethods.nd_driver_get_event_count(Handle, connection.Value, &count);
            return state == NativeMethods.ND_STATE_DISCONNECTING || count > 0
                || Events.HoldsEndOf(connection);
        }

        internal int Abort(NetworkConnection connection)
        {
            if (!Enter())
                return DriverInUse;
            try
            {
                int result = NativeMethods.nd_driver_abort(Handle, connection.Value);
                bool gone = result == (int)Error.StatusCode.NetworkVersionMismatch;
                if (result != NativeMethods.ND_OK && !gone)
                    return result;
                return Events.Drop(connection) ? NativeMethods.ND_OK : result;
            }
            finally
            {
                Leave();
            }
        }

        // The library refuses a second thread, but it knows nothing of this side's memory. Whoever
        // touches that comes through here first; nobody waits.
        private bool Enter()
        {
            return Interlocked.CompareExchange(ref m_Busy, 1, 0) == 0;
        }

        private void Leave()
        {
            Volatile.Write(ref m_Busy, 0);
        }

        private static void OnUnload(object sender, EventArgs arguments)
        {
            DriverState[] live;
            lock (s_Live)
                live = s_Live.ToArray();
            foreach (DriverState state in live)
                state.Destroy();
        }
    }
}
