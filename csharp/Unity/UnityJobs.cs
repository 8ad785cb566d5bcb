#if UNITY_5_3_OR_NEWER
using System;
using System.Runtime.InteropServices;
using NetDriver.Interop;
using Unity.Jobs;

namespace NetDriver
{
    /// <summary>
    /// What Unity's job system runs for a driver. Unity takes structs without references, so what
    /// they need is found by handles.
    /// </summary>
    internal static unsafe class UnityJobs
    {
        internal struct Update : IJob
        {
            internal long State;

            public void Execute()
            {
                ((DriverState)Target(State)).UpdateInJob();
            }
        }

        internal struct FlushSend : IJob
        {
            internal long State;

            public void Execute()
            {
                DriverState state = (DriverState)Target(State);
                state.KeepFailure(NativeMethods.nd_driver_flush(state.Handle));
            }
        }

        internal struct Execute : IJob
        {
            internal long Work;

            void IJob.Execute()
            {
                ((INetworkJob)Release(Work)).Execute();
            }
        }

        internal struct ForEachConnection : IJob
        {
            internal long State;
            internal long Work;
            internal uint BatchSize;

            public void Execute()
            {
                DriverState state = (DriverState)Target(State);
                INetworkJobForEachConnection work = (INetworkJobForEachConnection)Release(Work);
                ulong job = 0;
                int result = state.ScheduleForEachConnection(work, BatchSize, 0, &job);
                if (result == NativeMethods.ND_OK)
                    result = NativeMethods.nd_job_complete(job);
                state.KeepFailure(result);
            }
        }

        /// <summary>Keeps an object until <see cref="Release"/>.</summary>
        internal static long Keep(object kept)
        {
            return (long)GCHandle.ToIntPtr(GCHandle.Alloc(kept));
        }

        private static object Target(long handle)
        {
            return GCHandle.FromIntPtr((IntPtr)handle).Target;
        }

        private static object Release(long handle)
        {
            GCHandle kept = GCHandle.FromIntPtr((IntPtr)handle);
            object target = kept.Target;
            kept.Free();
            return target;
        }
    }
}
#endif
