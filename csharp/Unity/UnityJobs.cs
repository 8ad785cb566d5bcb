#if UNITY_5_3_OR_NEWER
using System;
using System.Runtime.InteropServices;
using Unity.Jobs;

namespace NetDriver
{
    /// <summary>
    /// What Unity's job system runs for a driver. Unity takes structs without references, so work
    /// of the program, which may be a class, is found by a handle.
    /// </summary>
    internal static class UnityJobs
    {
        internal struct Update : IJob
        {
            internal NetworkDriver Driver;

            public void Execute()
            {
                Driver.UpdateInJob();
            }
        }

        internal struct FlushSend : IJob
        {
            internal NetworkDriver Driver;

            public void Execute()
            {
                Driver.FlushInJob();
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
            internal NetworkDriver Driver;
            internal long Work;
            internal uint BatchSize;

            public void Execute()
            {
                Driver.ForEachConnectionInJob(
                    (INetworkJobForEachConnection)Release(Work), BatchSize);
            }
        }

        /// <summary>Keeps an object until <see cref="Release"/>.</summary>
        internal static long Keep(object kept)
        {
            return (long)GCHandle.ToIntPtr(GCHandle.Alloc(kept));
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
