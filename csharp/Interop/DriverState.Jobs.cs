using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    // What jobs do with a driver.
    internal sealed partial class DriverState
    {
        // Jobs for each connection that were scheduled, in order, and those that are to be used
        // again.
        private readonly List<JobForEachConnection> m_Scheduled = new List<JobForEachConnection>();
        private readonly List<JobForEachConnection> m_Spare = new List<JobForEachConnection>();
        private GCHandle m_Self;
        private GCHandle m_Scheduler;
        private volatile int m_ReceiveErrorCode;

        /// <summary>What went wrong in the last update, and in jobs after it. It lies here rather
        /// than in the block, which may be another driver's when a job writes it.</summary>
        internal int ReceiveErrorCode
        {
            get { return m_ReceiveErrorCode; }
        }

        /// <summary>This object, for functions that the library or a job system calls.</summary>
        internal unsafe void* Self
        {
            get { return (void*)GCHandle.ToIntPtr(m_Self); }
        }

        internal unsafe int UpdateInJob()
        {
            int result = Block->UpdateInJob(m_Driver);
            m_ReceiveErrorCode = result;
            return result;
        }

        internal unsafe void FlushInJob()
        {
            KeepFailure(NativeMethods.nd_driver_flush(m_Driver));
        }

        /// <summary>What went wrong in a job, until the next update.</summary>
        internal void KeepFailure(int result)
        {
            if (result != NativeMethods.ND_OK)
                m_ReceiveErrorCode = result;
        }

        internal unsafe int ScheduleUpdate(ulong dependency, ulong* job)
        {
            int result = NativeMethods.nd_driver_schedule_job(
                Handle, JobTable.s_Update, Self, dependency, job);
            KeepFailure(result);
            return result;
        }

        internal unsafe int ScheduleJob(INetworkJob body, ulong dependency, ulong* job)
        {
            GCHandle kept = GCHandle.Alloc(body);
            int result = NativeMethods.nd_driver_schedule_job(
                Handle, JobTable.s_Execute, (void*)GCHandle.ToIntPtr(kept), dependency, job);
            if (result != NativeMethods.ND_OK)
                kept.Free();
            return result;
        }

        internal unsafe int ScheduleForEachConnection(
            INetworkJobForEachConnection work, uint batchSize, ulong dependency, ulong* job)
        {
            lock (m_Scheduled)
            {
                TakeBackComplete();
                JobForEachConnection made = Spare();
                made.Work = work;
                int result = NativeMethods.nd_driver_schedule_for_each_connection(
                    Handle, JobTable.s_ExecuteFor, made.Handle, batchSize, dependency, job);
                if (result == NativeMethods.ND_OK)
                    made.Job = *job;
                // What was not scheduled is taken back with the next one.
                m_Scheduled.Add(made);
                return result;
            }
        }

        private JobForEachConnection Spare()
        {
            if (m_Spare.Count == 0)
                return new JobForEachConnection(this);
            JobForEachConnection spare = m_Spare[m_Spare.Count - 1];
            m_Spare.RemoveAt(m_Spare.Count - 1);
            return spare;
        }

        internal unsafe int SetJobScheduler(NetworkJobScheduler scheduler)
        {
            lock (m_Scheduled)
            {
                GCHandle handle;
                int result = JobTable.SetScheduler(Handle, scheduler, out handle);
                if (result != NativeMethods.ND_OK)
                    return result;
                if (m_Scheduler.IsAllocated)
                    m_Scheduler.Free();
                m_Scheduler = handle;
                return result;
            }
        }

        // Jobs of a driver end in their order.
        private void TakeBackComplete()
        {
            int count = 0;
            while (count < m_Scheduled.Count && m_Scheduled[count].IsOver)
            {
                m_Scheduled[count].Rest();
                m_Spare.Add(m_Scheduled[count]);
                count++;
            }
            m_Scheduled.RemoveRange(0, count);
        }

        // The driver is gone, and with it every job of it.
        private void ReleaseJobs()
        {
            lock (m_Scheduled)
            {
                TakeBackComplete();
                foreach (JobForEachConnection spare in m_Spare)
                    spare.Free();
                m_Spare.Clear();
                if (m_Scheduler.IsAllocated)
                    m_Scheduler.Free();
                if (m_Self.IsAllocated)
                    m_Self.Free();
            }
        }
    }
}
