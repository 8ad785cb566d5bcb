#if !UNITY_5_3_OR_NEWER
using System;
using NetDriver.Interop;

namespace NetDriver
{
    // The driver's jobs. Inside Unity its own job system runs them (Unity/NetworkDriver.Jobs.cs).
    public unsafe partial struct NetworkDriver
    {
        /// <summary>
        /// Schedules an update: it receives, runs timers, sends; then new events are there to pop.
        /// It ends the validity of all readers of earlier events, and gives up writers that were
        /// not ended.
        /// </summary>
        /// <remarks>
        /// It runs on a thread of the driver (<see cref="NetDriverParameter.jobWorkers"/>), on a
        /// <see cref="NetworkJobScheduler"/>, or inside of <see cref="JobHandle.Complete"/> if no
        /// thread has begun it by then. The jobs of one driver run one after the other, in the
        /// order in which they were scheduled. From this call on until the job is completed every
        /// other call with the driver does nothing and gives
        /// <see cref="Error.StatusCode.DriverInUse"/>, no event, or 0, except from inside its jobs.
        /// </remarks>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>
        /// The job. What went wrong is its result, and in <see cref="ReceiveErrorCode"/>.
        /// </returns>
        public JobHandle ScheduleUpdate(JobHandle dependency = default(JobHandle))
        {
            ulong job = dependency.Job;
            DriverState state = State;
            int result = state == null ? InvalidHandle : state.ScheduleUpdate(job, &job);
            return Scheduled(job, result);
        }

        /// <summary>
        /// Schedules the sending of what waits to be sent, as <see cref="ScheduleUpdate"/> does.
        /// </summary>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job.</returns>
        public JobHandle ScheduleFlushSend(JobHandle dependency = default(JobHandle))
        {
            ulong job = dependency.Job;
            int result = NativeMethods.nd_driver_schedule_flush_send(Handle, job, &job);
            return Scheduled(job, result);
        }

        /// <summary>
        /// Schedules work of the program among the driver's jobs, as <see cref="ScheduleUpdate"/>
        /// does.
        /// </summary>
        /// <param name="work">What to do. A class: a struct is boxed with each call.</param>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job.</returns>
        /// <exception cref="ArgumentNullException">There is no work.</exception>
        public JobHandle ScheduleJob(
            INetworkJob work, JobHandle dependency = default(JobHandle))
        {
            if (work == null)
                throw new ArgumentNullException("work");
            ulong job = dependency.Job;
            DriverState state = State;
            int result = state == null ? InvalidHandle : state.ScheduleJob(work, job, &job);
            return Scheduled(job, result);
        }

        /// <summary>
        /// Schedules work for each connection that the program has (accepted, or made by Connect,
        /// and its Disconnect event not popped when the job begins), on several threads at once.
        /// </summary>
        /// <param name="work">What to do. A class: a struct is boxed with each call.</param>
        /// <param name="batchSize">Connections that a thread takes at once; 1 to 64.</param>
        /// <param name="dependency">Work that has to be done before.</param>
        /// <returns>The job, which is completed when all connections had their turn.</returns>
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
            ulong job = dependency.Job;
            DriverState state = State;
            int result = state == null ? InvalidHandle
                : state.ScheduleForEachConnection(work, (uint)batchSize, job, &job);
            return Scheduled(job, result);
        }

        /// <summary>
        /// Has the driver's jobs run by an engine's own scheduler from now on; null: by threads of
        /// the driver.
        /// </summary>
        /// <param name="scheduler">The scheduler, which is kept as long as the driver.</param>
        /// <returns>0, or <see cref="Error.StatusCode.DriverInUse"/> while a job is not completed,
        /// or another negative <see cref="Error.StatusCode"/>.</returns>
        public int SetJobScheduler(NetworkJobScheduler scheduler)
        {
            DriverState state = State;
            return state == null ? InvalidHandle : state.SetJobScheduler(scheduler);
        }

        // What cannot be scheduled is a job that has failed.
        private static JobHandle Scheduled(ulong job, int result)
        {
            return new JobHandle(job, result);
        }
    }
}
#endif
