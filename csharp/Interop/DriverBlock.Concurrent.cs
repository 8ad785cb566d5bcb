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
        internal nd_concurrent* Concurrent
        {
            get { return m_Concurrent != null ? m_Concurrent : MakeConcurrent(); }
        }

        /// <summary>Inside of a job for each connection there is one.</summary>
        internal void UseConcurrent(nd_concurrent* concurrent)
        {
            m_Concurrent = concurrent;
        }

        internal nd_concurrent* MakeConcurrent()
        {
            nd_concurrent* made = m_Concurrent;
            if (NativeMethods.nd_driver_to_concurrent(Handle, &made) == NativeMethods.ND_OK)
                m_Concurrent = made;
            return made;
        }

        /// <summary>Pops the oldest event of a connection, beside other threads.</summary>
        /// <returns>Was there one?</returns>
        internal bool PopBeside(
            nd_concurrent* driver, NetworkConnection connection, nd_event* popped)
        {
            if (!Events.IsEmpty && TakeAhead(connection, popped))
                return true;
            return driver != null
                && NativeMethods.nd_concurrent_pop_event_for_connection(
                    driver, connection.Value, popped) == NativeMethods.ND_OK
                && popped->kind != NativeMethods.ND_EVENT_EMPTY;
        }

        internal int EventCountBeside(nd_concurrent* driver, NetworkConnection connection)
        {
            uint count = 0;
            NativeMethods.nd_concurrent_get_event_count(driver, connection.Value, &count);
            return Events.IsEmpty ? (int)count : (int)count + CountAhead(connection);
        }

        /// <summary>As <see cref="Refine"/>, beside other threads.</summary>
        internal int RefineBeside(int result, NetworkConnection connection)
        {
            if (result != (int)Error.StatusCode.NetworkVersionMismatch || Events.IsEmpty)
                return result;
            return CountAhead(connection) > 0
                ? (int)Error.StatusCode.NetworkStateMismatch : result;
        }

        private bool TakeAhead(NetworkConnection connection, nd_event* taken)
        {
            if (!EnterBeside())
                return false;
            bool found = Events.TakeWaiting(connection, taken);
            LeaveBeside();
            return found;
        }

        private int CountAhead(NetworkConnection connection)
        {
            if (!EnterBeside())
                return 0;
            int count = Events.CountFor(connection);
            LeaveBeside();
            return count;
        }

        // Nobody waits for another one. False while a call has the driver to itself.
        private bool EnterBeside()
        {
            int inside = Volatile.Read(ref m_Busy);
            while (inside != Alone)
            {
                int seen = Interlocked.CompareExchange(ref m_Busy, inside + 1, inside);
                if (seen == inside)
                    return true;
                inside = seen;
            }
            return false;
        }

        private void LeaveBeside()
        {
            Interlocked.Decrement(ref m_Busy);
        }
    }
}
