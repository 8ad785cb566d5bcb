#if UNITY_5_3_OR_NEWER
using System;
using NetDriver.Interop;
using Unity.Jobs;

namespace NetDriver
{
    // The driver's jobs on Unity's own job system: the methods of ../NetworkDriver.Jobs.cs, with
    // Unity's JobHandle. Schedule them from the main thread, as every job of Unity. Unity's handles
    // are the order: pass the job before as the dependency, and complete the last one before the
    // driver is used outside of a job. A call during a job is refused, as one of another thread.
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Schedules an update: it receives, runs timers, sends; then new events are there to pop.
        /// It ends the validity of all readers of earlier events, and gives up writers that were
        /// not ended.
        /// </summary>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job. What went wrong is in <see cref="ReceiveErrorCode"/>.</returns>
        public JobHandle ScheduleUpdate(JobHandle dependency = default(JobHandle))
        {
            if (Handle == null)
                return dependency;
            return new UnityJobs.Update { Driver = this }.Schedule(dependency);
        }

        /// <summary>Schedules the sending of what waits to be sent.</summary>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job. What went wrong is in <see cref="ReceiveErrorCode"/>.</returns>
        public JobHandle ScheduleFlushSend(JobHandle dependency = default(JobHandle))
        {
            if (Handle == null)
                return dependency;
            return new UnityJobs.FlushSend { Driver = this }.Schedule(dependency);
        }

        /// <summary>
        /// Schedules work of the program, which may use this driver although it holds a class.
        /// </summary>
        /// <param name="work">What to do.</param>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job; without a driver there is none, and the work is not done.</returns>
        /// <exception cref="ArgumentNullException">There is no work.</exception>
        public JobHandle ScheduleJob(
            INetworkJob work, JobHandle dependency = default(JobHandle))
        {
            if (work == null)
                throw new ArgumentNullException("work");
            if (Handle == null)
                return dependency;
            return new UnityJobs.Execute { Work = UnityJobs.Keep(work) }.Schedule(dependency);
        }

        /// <summary>
        /// Schedules work for each connection that the program has (accepted, or made by Connect,
        /// and its Disconnect event not popped when the job begins), on several threads at once:
        /// the one on which Unity runs the job, and threads of the driver
        /// (<see cref="NetDriverParameter.jobWorkers"/>).
        /// </summary>
        /// <param name="work">What to do.</param>
        /// <param name="batchSize">Connections that a thread takes at once; 1 to 64.</param>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job, which is completed when all connections had their turn. What went
        /// wrong is in <see cref="ReceiveErrorCode"/>; what the work throws is a line of
        /// <see cref="NetDriverLog"/>.</returns>
        /// <exception cref="ArgumentNullException">There is no work.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The batch size is not 1 to 64.
        /// </exception>
        public JobHandle ScheduleForEachConnection(
            INetworkJobForEachConnection work, int batchSize = 16,
            JobHandle dependency = default(JobHandle))
        {
            if (work == null)
                throw new ArgumentNullException("work");
            if (batchSize < 1 || batchSize > 64)
                throw new ArgumentOutOfRangeException("batchSize");
            if (Handle == null)
                return dependency;
            UnityJobs.ForEachConnection job = new UnityJobs.ForEachConnection
            {
                Driver = this,
                Work = UnityJobs.Keep(work),
                BatchSize = (uint)batchSize
            };
            return job.Schedule(dependency);
        }

        // What follows runs inside of the jobs.

        internal void UpdateInJob()
        {
            DriverState state = State;
            if (state != null)
                state.UpdateInJob();
        }

        internal void FlushInJob()
        {
            DriverState state = State;
            if (state != null)
                state.FlushInJob();
        }

        internal void ForEachConnectionInJob(INetworkJobForEachConnection work, uint batchSize)
        {
            DriverState state = State;
            if (state == null)
                return;
            ulong job = 0;
            int result = state.ScheduleForEachConnection(work, batchSize, 0, &job);
            if (result == NativeMethods.ND_OK)
                result = NativeMethods.nd_job_complete(job);
            state.KeepFailure(result);
        }
    }
}
#endif
