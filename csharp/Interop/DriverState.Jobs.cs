using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace NetDriver.Interop
{
    // What jobs do with a driver.
    internal sealed partial class DriverState
    {
        /// <summary>A job for each connection, and what keeps its work alive.</summary>
        private struct Scheduled
        {
            internal ulong Job;
            internal GCHandle Kept;
        }

        private readonly List<Scheduled> m_Scheduled = new List<Scheduled>();
        private GCHandle m_Self;
        private GCHandle m_Scheduler;

        /// <summary>This object, for functions that the library or a job system calls.</summary>
        internal unsafe void* Self
        {
            get { return (void*)GCHandle.ToIntPtr(m_Self); }
        }

        /// <summary>The update of a job: it waits while a call of the program is inside.</summary>
        internal unsafe int UpdateInJob()
        {
            EnterJob();
            try
            {
                if (Handle == null)
                    return InvalidHandle;
                Events.Keep();
                ReceiveErrorCode = NativeMethods.nd_driver_update(Handle);
                return ReceiveErrorCode;
            }
            finally
            {
                Leave();
            }
        }

        internal unsafe int ScheduleUpdate(ulong dependency, ulong* job)
        {
            int result = NativeMethods.nd_driver_schedule_job(
                Handle, JobTable.s_Update, Self, dependency, job);
            if (result != NativeMethods.ND_OK)
                ReceiveErrorCode = result;
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
            INetworkJobForEachConnection body, uint batchSize, ulong dependency, ulong* job)
        {
            lock (m_Scheduled)
            {
                ReleaseComplete();
                GCHandle kept = GCHandle.Alloc(body);
                int result = NativeMethods.nd_driver_schedule_for_each_connection(
                    Handle, JobTable.s_ExecuteFor, (void*)GCHandle.ToIntPtr(kept), batchSize,
                    dependency, job);
                if (result == NativeMethods.ND_OK)
                    m_Scheduled.Add(new Scheduled { Job = *job, Kept = kept });
                else
                    kept.Free();
                return result;
            }
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
        private unsafe void ReleaseComplete()
        {
            int count = 0;
            uint complete = 1;
            while (count < m_Scheduled.Count)
            {
                NativeMethods.nd_job_is_complete(m_Scheduled[count].Job, &complete);
                if (complete == 0)
                    break;
                m_Scheduled[count].Kept.Free();
                count++;
            }
            m_Scheduled.RemoveRange(0, count);
        }

        // The driver is gone, and with it every job of it.
        private void ReleaseJobs()
        {
            lock (m_Scheduled)
            {
                foreach (Scheduled one in m_Scheduled)
                    one.Kept.Free();
                m_Scheduled.Clear();
                if (m_Scheduler.IsAllocated)
                    m_Scheduler.Free();
                if (m_Self.IsAllocated)
                    m_Self.Free();
            }
        }

        // Calls of the program that are inside come out soon: none waits for a job.
        private void EnterJob()
        {
            SpinWait wait = default(SpinWait);
            while (!Enter())
                wait.SpinOnce();
        }
    }
}
