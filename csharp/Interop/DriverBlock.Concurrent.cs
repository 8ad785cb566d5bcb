using System;
using System.Threading;

namespace NetDriver.Interop
{
    // What several threads do with a driver at once. The library keeps them apart, each in
    // connections of its own; what they share here is this side's: events that were popped ahead.
    internal unsafe partial struct DriverBlock
    {
        /// <summary>
        /// The library's handle for several threads; null when the driver is in use, and when it
        /// is destroyed. It is the same whenever it is there.
        /// </summary>
        internal nd_concurrent* Concurrent(nd_driver* driver)
        {
            nd_concurrent* kept = (nd_concurrent*)Volatile.Read(ref m_Concurrent);
            if (kept == null)
                return MakeConcurrent(driver);
            // Asked after the read: what was read is of this driver if the block still is.
            return Handle == driver ? kept : null;
        }

        /// <summary>
        /// Inside of a job for each connection there is one, also for those that would be refused
        /// when they ask for it. The driver is there as long as its job runs.
        /// </summary>
        internal void UseConcurrent(nd_concurrent* concurrent)
        {
            Volatile.Write(ref m_Concurrent, (IntPtr)concurrent);
        }

        /// <summary>It is kept for the next call, unless a call has the driver to itself.</summary>
        internal nd_concurrent* MakeConcurrent(nd_driver* driver)
        {
            nd_concurrent* made = null;
            if (NativeMethods.nd_driver_to_concurrent(driver, &made) != NativeMethods.ND_OK)
                return null;
            // Inside, where nobody destroys the driver: the block's next one must not find it.
            if (EnterBeside(driver))
            {
                Volatile.Write(ref m_Concurrent, (IntPtr)made);
                LeaveBeside();
            }
            return made;
        }

        /// <summary>Pops the oldest event of a connection, beside other threads.</summary>
        /// <returns>Was there one?</returns>
        internal bool PopBeside(
            nd_driver* driver, NetworkConnection connection, nd_event* popped)
        {
            if (!Events.IsEmpty && TakeAhead(driver, connection, popped))
                return true;
            nd_concurrent* beside = Concurrent(driver);
            return beside != null
                && NativeMethods.nd_concurrent_pop_event_for_connection(
                    beside, connection.Value, popped) == NativeMethods.ND_OK
                && popped->kind != NativeMethods.ND_EVENT_EMPTY;
        }

        internal int EventCountBeside(nd_driver* driver, NetworkConnection connection)
        {
            uint count = 0;
            NativeMethods.nd_concurrent_get_event_count(
                Concurrent(driver), connection.Value, &count);
            return Events.IsEmpty ? (int)count : (int)count + CountAhead(driver, connection);
        }

        /// <summary>As <see cref="Refine"/>, beside other threads.</summary>
        internal int RefineBeside(nd_driver* driver, int result, NetworkConnection connection)
        {
            if (result != (int)Error.StatusCode.NetworkVersionMismatch || Events.IsEmpty)
                return result;
            return CountAhead(driver, connection) > 0
                ? (int)Error.StatusCode.NetworkStateMismatch : result;
        }

        private bool TakeAhead(
            nd_driver* driver, NetworkConnection connection, nd_event* taken)
        {
            if (!EnterBeside(driver))
                return false;
            bool found = Events.TakeWaiting(connection, taken);
            LeaveBeside();
            return found;
        }

        private int CountAhead(nd_driver* driver, NetworkConnection connection)
        {
            if (!EnterBeside(driver))
                return 0;
            int count = Events.CountFor(connection);
            LeaveBeside();
            return count;
        }

        // Nobody waits for another one. False while a call has the driver to itself, and when the
        // block is another driver's, which is asked in the same step as in Enter.
        private bool EnterBeside(nd_driver* driver)
        {
            long free = Free(driver);
            long use = Volatile.Read(ref m_Use);
            while ((use & ~Alone) == free && use != (free | Alone))
            {
                long seen = Interlocked.CompareExchange(ref m_Use, use + 1, use);
                if (seen == use)
                    return true;
                use = seen;
            }
            return false;
        }

        private void LeaveBeside()
        {
            Interlocked.Decrement(ref m_Use);
        }
    }
}
