using System;
using System.Runtime.InteropServices;

namespace NetDriver.Interop
{
    /// <summary>
    /// The functions that the library calls for jobs. What they are for is found by handles to
    /// this side's objects.
    /// </summary>
    internal static unsafe class JobTable
    {
        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate ulong ScheduleFunction(void* user, ulong job);

        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void CompleteFunction(void* user, ulong ticket);

        // The library holds pointers to these delegates.
        internal static readonly NativeMethods.nd_driver_schedule_job_function_delegate s_Update =
            OnUpdate;
        internal static readonly NativeMethods.nd_driver_schedule_job_function_delegate s_Execute =
            OnExecute;
        internal static readonly
            NativeMethods.nd_driver_schedule_for_each_connection_function_delegate s_ExecuteFor =
            OnExecuteFor;
        private static readonly ScheduleFunction s_Schedule = OnSchedule;
        private static readonly CompleteFunction s_Complete = OnComplete;

        /// <summary>Has the driver's jobs run by a scheduler; the handle keeps it alive.</summary>
        internal static int SetScheduler(
            nd_driver* driver, NetworkJobScheduler scheduler, out GCHandle handle)
        {
            handle = default(GCHandle);
            if (scheduler == null)
                return NativeMethods.nd_driver_set_job_scheduler(driver, null);
            nd_job_scheduler table;
            NativeMethods.nd_job_scheduler_init(&table);
            table.parallelism = (uint)scheduler.Parallelism;
            table.schedule = (void*)Marshal.GetFunctionPointerForDelegate(s_Schedule);
            table.complete = (void*)Marshal.GetFunctionPointerForDelegate(s_Complete);
            handle = GCHandle.Alloc(scheduler);
            table.user = (void*)GCHandle.ToIntPtr(handle);
            int result = NativeMethods.nd_driver_set_job_scheduler(driver, &table);
            if (result != NativeMethods.ND_OK)
                handle.Free();
            return result;
        }

        private static object Target(void* user)
        {
            return GCHandle.FromIntPtr((IntPtr)user).Target;
        }

        private static int Report(Exception exception)
        {
            NetDriverLog.Report(exception);
            return (int)Error.StatusCode.JobFailed;
        }

        // An exception must not pass through the library's frames.
        [MonoPInvokeCallback(typeof(NativeMethods.nd_driver_schedule_job_function_delegate))]
        private static int OnUpdate(void* user)
        {
            try
            {
                return ((DriverState)Target(user)).UpdateInJob();
            }
            catch (Exception exception)
            {
                return Report(exception);
            }
        }

        [MonoPInvokeCallback(typeof(NativeMethods.nd_driver_schedule_job_function_delegate))]
        private static int OnExecute(void* user)
        {
            try
            {
                GCHandle handle = GCHandle.FromIntPtr((IntPtr)user);
                INetworkJob job = (INetworkJob)handle.Target;
                handle.Free();
                job.Execute();
                return NativeMethods.ND_OK;
            }
            catch (Exception exception)
            {
                return Report(exception);
            }
        }

        [MonoPInvokeCallback(
            typeof(NativeMethods.nd_driver_schedule_for_each_connection_function_delegate))]
        private static int OnExecuteFor(void* user, nd_concurrent* concurrent, ulong connection)
        {
            try
            {
                JobForEachConnection job = (JobForEachConnection)Target(user);
                job.Execute(concurrent, connection);
                return NativeMethods.ND_OK;
            }
            catch (Exception exception)
            {
                return Report(exception);
            }
        }

        [MonoPInvokeCallback(typeof(ScheduleFunction))]
        private static ulong OnSchedule(void* user, ulong job)
        {
            try
            {
                return ((NetworkJobScheduler)Target(user)).Schedule(job);
            }
            catch (Exception exception)
            {
                // Whoever waits for the job runs it.
                Report(exception);
                return 0;
            }
        }

        [MonoPInvokeCallback(typeof(CompleteFunction))]
        private static void OnComplete(void* user, ulong ticket)
        {
            try
            {
                ((NetworkJobScheduler)Target(user)).Complete(ticket);
            }
            catch (Exception exception)
            {
                Report(exception);
            }
        }
    }
}
