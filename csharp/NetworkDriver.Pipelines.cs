using System;
using NetDriver.Interop;

namespace NetDriver
{
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Makes a pipeline: stages that messages sent through it go through, the first stage
        /// first, and on the other side the last one first. Both sides must make the same pipelines
        /// in the same order, before the driver's first connection. What a pipeline says holds in
        /// the UTP dialect; a plain WebSocket is reliable, ordered and takes long messages as it
        /// is, so there every pipeline means <see cref="NetworkPipeline.Null"/>.
        /// </summary>
        /// <param name="stages">Types of stages: <see cref="FragmentationPipelineStage"/>,
        /// <see cref="ReliableSequencedPipelineStage"/>,
        /// <see cref="UnreliableSequencedPipelineStage"/>, <see cref="SimulatorPipelineStage"/>,
        /// <see cref="NullPipelineStage"/>, or registered ones.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made: an unknown stage, fragmentation
        /// behind the reliable stage, a driver that had a connection.</exception>
        public NetworkPipeline CreatePipeline(params Type[] stages)
        {
            return CreatePipeline(NetworkPipelineStage.AllOf(stages));
        }

        /// <summary>Makes a pipeline of stages named by their ids.</summary>
        /// <param name="stages">Their ids.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made.</exception>
        public NetworkPipeline CreatePipeline(NetworkPipelineStageId[] stages)
        {
            return CreatePipeline(NetworkPipelineStage.AllOf(stages));
        }

        /// <summary>Makes a pipeline of stages with parameters of their own.</summary>
        /// <param name="stages">The stages.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made.</exception>
        public NetworkPipeline CreatePipeline(NetworkPipelineStage[] stages)
        {
            if (stages == null)
                throw new ArgumentNullException("stages");
            DriverState state = State;
            if (state == null)
                throw new NetDriverException(
                    Error.StatusCode.InvalidHandle, "There is no driver.");
            byte made;
            int result = state.CreatePipeline(stages, out made);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The pipeline cannot be made", result);
            return new NetworkPipeline(made);
        }

        /// <summary>How many pipelines were made; they are 1 to this.</summary>
        public int PipelineCount
        {
            get
            {
                uint count = 0;
                NativeMethods.nd_driver_get_pipeline_count(Handle, &count);
                return (int)count;
            }
        }

        /// <summary>
        /// Could <see cref="CreatePipeline(NetworkPipelineStage[])"/> make a pipeline of these
        /// stages now? For programs that make the same one in several drivers, in all of them or in
        /// none, as <see cref="MultiNetworkDriver"/> does.
        /// </summary>
        /// <param name="stages">The stages.</param>
        /// <returns>0 or the negative <see cref="Error.StatusCode"/> that it would fail
        /// with.</returns>
        public int CheckPipeline(NetworkPipelineStage[] stages)
        {
            if (stages == null)
                throw new ArgumentNullException("stages");
            DriverState state = State;
            return state == null ? (int)Error.StatusCode.InvalidHandle
                : state.CheckPipeline(stages);
        }

        /// <summary>
        /// Registers a stage that pipelines may have, before anything is bound.
        /// </summary>
        /// <typeparam name="T">The stage's type, which CreatePipeline takes then.</typeparam>
        /// <param name="stage">The stage; kept until the driver is disposed.</param>
        /// <exception cref="NetDriverException">It cannot be registered: the driver is bound, or
        /// the type is registered already.</exception>
        public void RegisterPipelineStage<T>(T stage)
            where T : INetworkPipelineStage
        {
            if (stage == null)
                throw new ArgumentNullException("stage");
            DriverState state = State;
            if (state == null)
                throw new NetDriverException(
                    Error.StatusCode.InvalidHandle, "There is no driver.");
            int result = state.RegisterStage(typeof(T), stage);
            if (result != NativeMethods.ND_OK)
                throw Library.Failure("The stage cannot be registered", result);
        }

        /// <summary>Changes the bad network of all simulator stages, while they run.</summary>
        /// <param name="parameters">How bad.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int ModifySimulatorStageParameters(SimulatorUtility.Parameters parameters)
        {
            return ModifySimulatorStageParameters(NetworkPipeline.Null, parameters);
        }

        /// <summary>Changes the bad network of one pipeline, while it runs.</summary>
        /// <param name="pipe">The pipeline; Null: all of them.</param>
        /// <param name="parameters">How bad.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int ModifySimulatorStageParameters(
            NetworkPipeline pipe, SimulatorUtility.Parameters parameters)
        {
            nd_simulator_stage native = parameters.ToNative();
            return NativeMethods.nd_driver_set_simulator_stage(Handle, pipe.Id, &native);
        }

        /// <summary>
        /// Changes after which time the reliable stages of a pipeline send again, on one
        /// connection.
        /// </summary>
        /// <param name="pipe">The pipeline.</param>
        /// <param name="connection">Which.</param>
        /// <param name="minimumMS">The fewest milliseconds; above 0.</param>
        /// <param name="maximumMS">The most; above the fewest.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetResendTimes(
            NetworkPipeline pipe, NetworkConnection connection, int minimumMS, int maximumMS)
        {
            return NativeMethods.nd_connection_set_resend_times(
                Handle, connection.Value, pipe.Id, minimumMS, maximumMS);
        }

        /// <summary>What the first reliable stage of a pipeline does on a connection.</summary>
        /// <param name="pipe">A pipeline with a reliable stage.</param>
        /// <param name="connection">Which.</param>
        /// <param name="parameters">Its window, rounded up to a multiple of 8, and its resend
        /// times.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int GetReliableParameters(
            NetworkPipeline pipe, NetworkConnection connection,
            out ReliableUtility.Parameters parameters)
        {
            uint window = 0;
            int minimum = 0;
            int maximum = 0;
            int result = NativeMethods.nd_connection_get_reliable_parameters(
                Handle, connection.Value, pipe.Id, &window, &minimum, &maximum);
            parameters = new ReliableUtility.Parameters
            {
                WindowSize = (int)window,
                MinimumResendTime = minimum,
                MaximumResendTime = maximum,
            };
            return result;
        }

        /// <summary>
        /// Sets the priority of a reliable pipeline's messages among those of one connection. It
        /// counts with NetDriver peers over datagrams (<see cref="NetDriverParameter.session"/>):
        /// higher goes first when not everything may leave at once.
        /// </summary>
        /// <param name="pipe">The pipeline.</param>
        /// <param name="priority">0, the default, to 255.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int SetPipelinePriority(NetworkPipeline pipe, byte priority)
        {
            return NativeMethods.nd_driver_set_pipeline_priority(Handle, pipe.Id, priority);
        }

        /// <summary>
        /// What the stages of a pipeline have counted on a connection, round trips included.
        /// </summary>
        /// <param name="pipe">The pipeline.</param>
        /// <param name="connection">Which.</param>
        /// <param name="statistics">The counters.</param>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>.</returns>
        public int GetPipelineStatistics(
            NetworkPipeline pipe, NetworkConnection connection, out PipelineStatistics statistics)
        {
            nd_pipeline_statistics native;
            NativeMethods.nd_pipeline_statistics_init(&native);
            int result = NativeMethods.nd_connection_get_pipeline_statistics(
                Handle, connection.Value, pipe.Id, &native);
            statistics = new PipelineStatistics(ref native);
            return result;
        }
    }
}
