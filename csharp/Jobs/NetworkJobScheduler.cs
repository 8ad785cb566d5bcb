using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// An engine's own job system in place of threads of the driver; see
    /// <see cref="NetworkDriver.SetJobScheduler"/>.
    /// </summary>
    public abstract class NetworkJobScheduler
    {
        /// <summary>
        /// How often <see cref="Schedule"/> is called for one job of many connections, so that as
        /// many threads work on it; 1 to 64.
        /// </summary>
        public virtual int Parallelism
        {
            get { return 4; }
        }

        /// <summary>
        /// Has <see cref="Run"/> called for a job, once, on any thread, soon; or calls it itself.
        /// Called when the job may run, on any thread that schedules, completes or runs jobs.
        /// </summary>
        /// <param name="job">The job.</param>
        /// <returns>A name for it, which <see cref="Complete"/> gets.</returns>
        public abstract ulong Schedule(ulong job);

        /// <summary>
        /// Somebody waits for a job that has begun on another thread. May do other work meanwhile,
        /// and may return at once.
        /// </summary>
        /// <param name="ticket">What <see cref="Schedule"/> returned.</param>
        public virtual void Complete(ulong ticket)
        {
        }

        /// <summary>Runs a job on this thread, if no other one has begun it.</summary>
        /// <param name="job">As <see cref="Schedule"/> was given it.</param>
        public static void Run(ulong job)
        {
            NativeMethods.nd_job_run(job);
        }
    }
}
