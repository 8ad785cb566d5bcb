using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// What all copies of one <see cref="NetworkDriver"/> share that is managed: settings, what the
    /// library calls, jobs. A driver finds it by its <see cref="DriverBlock"/>, which holds the
    /// library's handle and what the frequent calls need. It has no finalizer, because a reader may
    /// outlive the last use of its driver: a driver that nobody disposes lives until the domain
    /// ends.
    /// </summary>
    internal sealed unsafe partial class DriverState
    {
        private const int DriverInUse = (int)Error.StatusCode.DriverInUse;

        // By the places of their blocks; null where a block is free. Replaced when it grows.
        private static volatile DriverState[] s_States = new DriverState[0];
        private static readonly Stack<IntPtr> s_FreeBlocks = new Stack<IntPtr>();
        private static bool s_UnloadWatched;

        internal readonly DriverBlock* Block;
        internal readonly NetworkSettings Settings;
        private readonly nd_driver* m_Driver;
        // The extensions, stages and interfaces that the library may call until the driver is gone.
        private readonly List<GCHandle> m_Kept = new List<GCHandle>();
        // The program's stages of pipelines, and the numbers by which the library knows them.
        private readonly Dictionary<Type, uint> m_Stages = new Dictionary<Type, uint>();
        // The stages of the pipelines, whose numbers start at 1.
        private readonly List<NetworkPipelineStage[]> m_Pipelines =
            new List<NetworkPipelineStage[]>();
        // The text of the last event, once somebody has asked for it.
        private string m_LastText;
        private ulong m_LastTextNumber;

        internal DriverState(NetworkSettings settings)
        {
            Settings = settings.Snapshot();
            bool localCloseEvents = Settings.GetNetDriverParameters().localCloseEvents;
            nd_settings native = Settings.ToNative();
            nd_driver* handle;
            int result = NativeMethods.nd_driver_create(&native, &handle);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The driver cannot be created", result);
            m_Driver = handle;
            m_Self = GCHandle.Alloc(this);
            lock (s_FreeBlocks)
            {
                Block = TakeBlock();
                Block->Begin(handle, localCloseEvents);
                s_States[Block->Place] = this;
                if (!s_UnloadWatched)
                {
                    // A script reload in Unity keeps the library loaded, and with it the ports.
                    AppDomain.CurrentDomain.DomainUnload += OnUnload;
                    s_UnloadWatched = true;
                }
            }
        }

        /// <summary>The library's handle; null once the driver is destroyed.</summary>
        internal nd_driver* Handle
        {
            get { return Block->Handle == m_Driver ? m_Driver : null; }
        }

        /// <summary>What belongs to a driver; null once it is destroyed.</summary>
        internal static DriverState Of(DriverBlock* block, nd_driver* driver)
        {
            DriverState state = s_States[block->Place];
            return state != null && state.m_Driver == driver ? state : null;
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
                int result = NativeMethods.nd_driver_destroy(m_Driver);
                if (result == DriverInUse)
                    return;
                Block->End();
                foreach (GCHandle kept in m_Kept)
                    kept.Free();
                m_Kept.Clear();
                ReleaseJobs();
            }
            finally
            {
                Leave();
            }
            lock (s_FreeBlocks)
            {
                s_States[Block->Place] = null;
                s_FreeBlocks.Push((IntPtr)Block);
            }
        }

        // There are as many as drivers have ever been at once, each of a few hundred bytes.
        private static DriverBlock* TakeBlock()
        {
            if (s_FreeBlocks.Count > 0)
                return (DriverBlock*)s_FreeBlocks.Pop();
            DriverBlock* block = (DriverBlock*)Marshal.AllocHGlobal(sizeof(DriverBlock));
            DriverState[] states = s_States;
            *block = new DriverBlock(states.Length);
            Array.Resize(ref states, states.Length + 1);
            s_States = states;
            return block;
        }

        internal int AddInterface(INetworkInterface networkInterface, out int index)
        {
            NetworkInterfaceDescription description = networkInterface.Describe();
            WebSocketParameter path;
            if (description.Path == null && description.Kind == NetworkInterfaceKind.WebSocket
                && Settings.TryGet(out path))
                description.Path = path.Text;
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
                return Block->Refusal(m_Driver);
            try
            {
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
                return Block->Refusal(m_Driver);
            try
            {
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
                return Block->Refusal(m_Driver);
            try
            {
                int count = stages.Length;
                nd_pipeline_stage* natives = stackalloc nd_pipeline_stage[count + 1];
                nd_simulator_stage* networks = stackalloc nd_simulator_stage[count + 1];
                for (int i = 0; i < count; i++)
                {
                    if (!Describe(stages[i], out natives[i], networks + i))
                        return (int)Error.StatusCode.InvalidArgument;
                }
                if (made == null)
                    return NativeMethods.nd_driver_check_pipeline(Handle, natives, (uint)count);
                int result = NativeMethods.nd_driver_create_pipeline(
                    Handle, natives, (uint)count, made);
                if (result == NativeMethods.ND_OK)
                {
                    lock (m_Pipelines)
                        m_Pipelines.Add((NetworkPipelineStage[])stages.Clone());
                }
                return result;
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>Has a pipeline a stage of that type?</summary>
        internal bool HasStage(byte pipeline, Type type)
        {
            lock (m_Pipelines)
                return pipeline > 0 && pipeline <= m_Pipelines.Count && Array.Exists(
                    m_Pipelines[pipeline - 1], stage => stage.Stage == type);
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

        internal NetworkEventDetails LastEvent()
        {
            if (!Enter())
                return default(NetworkEventDetails);
            try
            {
                nd_event last = Block->Events.Last;
                if (m_LastText == null || m_LastTextNumber != Block->Events.LastNumber)
                    m_LastText = new NetworkEventDetails(last).Text;
                m_LastTextNumber = Block->Events.LastNumber;
                return new NetworkEventDetails(last, m_LastText);
            }
            finally
            {
                Leave();
            }
        }

        private bool Enter()
        {
            return Block->Enter(m_Driver);
        }

        private void Leave()
        {
            Block->Leave();
        }

        private static void OnUnload(object sender, EventArgs arguments)
        {
            foreach (DriverState state in s_States)
            {
                if (state != null)
                    state.Destroy();
            }
        }
    }
}
