#if UNITY_5_3_OR_NEWER
using System;
using NetDriver.Interop;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;

namespace NetDriver
{
    // Pipelines in Unity's arrays.

    public unsafe partial struct NetworkDriver
    {
        /// <summary>Makes a pipeline of stages named by their ids.</summary>
        /// <param name="stages">Their ids.</param>
        /// <returns>The pipeline.</returns>
        /// <exception cref="NetDriverException">It cannot be made.</exception>
        public NetworkPipeline CreatePipeline(NativeArray<NetworkPipelineStageId> stages)
        {
            return CreatePipeline(stages.ToArray());
        }

        /// <summary>
        /// What a stage of a pipeline has counted on one connection, in the structs and the memory
        /// in which Unity Transport keeps it: <see cref="ReliableUtility.SharedContext"/> of the
        /// reliable stage, <see cref="UnreliableSequencedPipelineStage.Statistics"/> of the
        /// sequenced one. It is a copy in temporary memory: writing to it changes nothing. What
        /// other stages keep lies in the library, and their arrays are empty, as are the two for
        /// processing; <see cref="GetPipelineStatistics"/> has the numbers of all.
        /// </summary>
        /// <param name="pipeline">The pipeline.</param>
        /// <param name="stageId">Its stage.</param>
        /// <param name="connection">Which.</param>
        /// <param name="readProcessingBuffer">Empty.</param>
        /// <param name="writeProcessingBuffer">Empty.</param>
        /// <param name="sharedBuffer">The struct's bytes; empty for other stages, and for one that
        /// the pipeline has not.</param>
        /// <exception cref="InvalidOperationException">It cannot be said: there is no such
        /// connection or pipeline, or the driver is in use. The text has the status.</exception>
        public void GetPipelineBuffers(
            NetworkPipeline pipeline, NetworkPipelineStageId stageId, NetworkConnection connection,
            out NativeArray<byte> readProcessingBuffer, out NativeArray<byte> writeProcessingBuffer,
            out NativeArray<byte> sharedBuffer)
        {
            readProcessingBuffer = default(NativeArray<byte>);
            writeProcessingBuffer = default(NativeArray<byte>);
            sharedBuffer = default(NativeArray<byte>);
            PipelineStatistics counted;
            RequireOk(GetPipelineStatistics(pipeline, connection, out counted));
            DriverState state = State;
            if (state == null || !state.HasStage(pipeline.Id, stageId.Stage))
                return;
            if (stageId.Stage == typeof(ReliableSequencedPipelineStage))
            {
                ReliableUtility.Parameters now;
                RequireOk(GetReliableParameters(pipeline, connection, out now));
                ReliableUtility.SharedContext context = new ReliableUtility.SharedContext
                {
                    WindowSize = now.WindowSize,
                    MinimumResendTime = now.MinimumResendTime,
                    MaximumResendTime = now.MaximumResendTime,
                    stats = counted.Reliable,
                    RttInfo = counted.Rtt,
                };
                sharedBuffer = Copy(&context, sizeof(ReliableUtility.SharedContext));
            }
            else if (stageId.Stage == typeof(UnreliableSequencedPipelineStage))
            {
                UnreliableSequencedPipelineStage.Statistics statistics = counted.Sequenced;
                sharedBuffer = Copy(
                    &statistics, sizeof(UnreliableSequencedPipelineStage.Statistics));
            }
        }

        private static void RequireOk(int result)
        {
            if (result != NativeMethods.ND_OK)
                throw new InvalidOperationException(
                    Library.Failure("The buffers of the stage cannot be read", result).Message);
        }

        private static NativeArray<byte> Copy(void* bytes, int length)
        {
            NativeArray<byte> copy = new NativeArray<byte>(length, Allocator.Temp);
            Buffer.MemoryCopy(
                bytes, NativeArrayUnsafeUtility.GetUnsafePtr(copy), length, length);
            return copy;
        }
    }

    public unsafe partial struct MultiNetworkDriver
    {
        /// <summary>Makes a pipeline of stages named by their ids, in every driver.</summary>
        /// <param name="stages">Their ids.</param>
        /// <returns>The pipeline, which has one number in all drivers.</returns>
        /// <exception cref="NetDriverException">It cannot be made.</exception>
        public NetworkPipeline CreatePipeline(NativeArray<NetworkPipelineStageId> stages)
        {
            return CreatePipeline(stages.ToArray());
        }
    }
}
#endif
