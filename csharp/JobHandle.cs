namespace NetDriver
{
    /// <summary>
    /// Work that was scheduled. In this version <see cref="NetworkDriver.ScheduleUpdate"/> and
    /// <see cref="NetworkDriver.ScheduleFlushSend"/> do their work on the calling thread before
    /// they return, so every handle is completed; programs written for handles that are not stay
    /// right.
    /// </summary>
    public struct JobHandle
    {
        /// <summary>Is the work done?</summary>
        public bool IsCompleted
        {
            get { return true; }
        }

        /// <summary>Waits until the work is done. May be called any number of times.</summary>
        public void Complete()
        {
        }

        /// <summary>A handle that is completed when both others are.</summary>
        /// <param name="first">One handle.</param>
        /// <param name="second">The other.</param>
        /// <returns>The handle of both.</returns>
        public static JobHandle CombineDependencies(JobHandle first, JobHandle second)
        {
            first.Complete();
            second.Complete();
            return default(JobHandle);
        }
    }
}
