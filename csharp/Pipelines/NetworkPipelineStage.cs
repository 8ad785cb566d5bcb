using System;

namespace NetDriver
{
    /// <summary>
    /// A stage of a pipeline with parameters of its own, in place of those of the driver's
    /// settings.
    /// </summary>
    public struct NetworkPipelineStage
    {
        internal Type Stage;
        internal FragmentationUtility.Parameters? Fragmenting;
        internal ReliableUtility.Parameters? Reliability;
        internal SimulatorUtility.Parameters? Network;

        /// <summary>A stage with the parameters of the driver's settings.</summary>
        /// <param name="stage">Its type, as for CreatePipeline.</param>
        /// <returns>The stage.</returns>
        public static NetworkPipelineStage Of(Type stage)
        {
            return new NetworkPipelineStage { Stage = stage };
        }

        /// <summary>A fragmentation stage.</summary>
        /// <param name="parameters">Its parameters.</param>
        /// <returns>The stage.</returns>
        public static NetworkPipelineStage Fragmentation(FragmentationUtility.Parameters parameters)
        {
            return new NetworkPipelineStage
            {
                Stage = typeof(FragmentationPipelineStage), Fragmenting = parameters,
            };
        }

        /// <summary>A reliable stage.</summary>
        /// <param name="parameters">Its parameters.</param>
        /// <returns>The stage.</returns>
        public static NetworkPipelineStage ReliableSequenced(ReliableUtility.Parameters parameters)
        {
            return new NetworkPipelineStage
            {
                Stage = typeof(ReliableSequencedPipelineStage), Reliability = parameters,
            };
        }

        /// <summary>A simulator stage.</summary>
        /// <param name="parameters">Its parameters.</param>
        /// <returns>The stage.</returns>
        public static NetworkPipelineStage Simulator(SimulatorUtility.Parameters parameters)
        {
            return new NetworkPipelineStage
            {
                Stage = typeof(SimulatorPipelineStage), Network = parameters,
            };
        }

        internal static NetworkPipelineStage[] AllOf(Type[] stages)
        {
            return stages == null ? null : Array.ConvertAll(stages, Of);
        }

        internal static NetworkPipelineStage[] AllOf(NetworkPipelineStageId[] stages)
        {
            return stages == null ? null : Array.ConvertAll(stages, stage => Of(stage.Stage));
        }
    }
}
