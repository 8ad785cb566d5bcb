#if !UNITY_5_3_OR_NEWER
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Work that was scheduled, as <c>Unity.Jobs.JobHandle</c>: a value, which may be copied, kept
    /// and forgotten. The default is one that is completed. Inside Unity the methods that return
    /// one return Unity's own.
    /// </summary>
    public unsafe struct JobHandle
    {
        private readonly ulong m_Job;
        private readonly int m_Failure;

        internal JobHandle(ulong job, int failure)
        {
            m_Job = job;
            m_Failure = failure;
        }

        internal ulong Job
        {
            get { return m_Job; }
        }

        /// <summary>
        /// Is the work done? Never waits. With <see cref="NetDriverParameter.jobWorkers"/> 0 and
        /// without a <see cref="NetworkJobScheduler"/> only <see cref="Complete"/> moves jobs.
        /// </summary>
        public bool IsCompleted
        {
            get
            {
                uint complete = 1;
                if (m_Job != 0)
                    NativeMethods.nd_job_is_complete(m_Job, &complete);
                return complete != 0;
            }
        }

        /// <summary>
        /// Waits until the work is done, and does it, and what it depends on, as far as no thread
        /// has begun. May be called any number of times.
        /// </summary>
        /// <returns>
        /// 0, or the first error of the work and of what it was told to depend on: a negative
        /// <see cref="Error.StatusCode"/>. It is kept until 256 later jobs were done.
        /// <see cref="Error.StatusCode.DriverInUse"/>, with the work not done yet, where it can
        /// never be: in an interface, stage or extension of yours that a call on the driver runs.
        /// </returns>
        public int Complete()
        {
            int result = m_Job == 0 ? NativeMethods.ND_OK : NativeMethods.nd_job_complete(m_Job);
            return m_Failure != NativeMethods.ND_OK ? m_Failure : result;
        }

        /// <summary>Waits for two.</summary>
        /// <param name="first">One handle, the default afterwards.</param>
        /// <param name="second">The other, the default afterwards.</param>
        public static void CompleteAll(ref JobHandle first, ref JobHandle second)
        {
            first.Complete();
            second.Complete();
            first = default(JobHandle);
            second = default(JobHandle);
        }

        /// <summary>Jobs begin when they can; Unity's programs may say so.</summary>
        public static void ScheduleBatchedJobs()
        {
        }

        /// <summary>A handle that is completed when both others are.</summary>
        /// <param name="first">One handle.</param>
        /// <param name="second">The other.</param>
        /// <returns>The handle of both, whose result is the first error of the two.</returns>
        public static JobHandle CombineDependencies(JobHandle first, JobHandle second)
        {
            JobHandle* handles = stackalloc JobHandle[2];
            handles[0] = first;
            handles[1] = second;
            return Combine(handles, 2);
        }

        /// <summary>A handle that is completed when three others are.</summary>
        /// <param name="first">One handle.</param>
        /// <param name="second">Another.</param>
        /// <param name="third">The last.</param>
        /// <returns>The handle of all, whose result is the first error among them.</returns>
        public static JobHandle CombineDependencies(
            JobHandle first, JobHandle second, JobHandle third)
        {
            JobHandle* handles = stackalloc JobHandle[3];
            handles[0] = first;
            handles[1] = second;
            handles[2] = third;
            return Combine(handles, 3);
        }

        private static JobHandle Combine(JobHandle* handles, int count)
        {
            ulong* jobs = stackalloc ulong[count];
            int failure = NativeMethods.ND_OK;
            for (int i = 0; i < count; i++)
            {
                jobs[i] = handles[i].m_Job;
                if (failure == NativeMethods.ND_OK)
                    failure = handles[i].m_Failure;
            }
            ulong job = 0;
            int result = NativeMethods.nd_job_combine(jobs, (uint)count, &job);
            if (result == NativeMethods.ND_OK)
                return new JobHandle(job, failure);
            // There is no place for one more job, so these are done at once.
            for (int i = 0; i < count; i++)
            {
                int outcome = handles[i].Complete();
                if (failure == NativeMethods.ND_OK)
                    failure = outcome;
            }
            return new JobHandle(0, failure);
        }
    }
}
#endif
