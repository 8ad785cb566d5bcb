using System.Threading;

namespace NetDriver.Interop
{
    // What several threads may do at once between updates. The library sees to its own memory; here
    // is what concerns this side's: events that were popped ahead.
    internal sealed unsafe partial class DriverState
    {
        private readonly object m_Ahead = new object();
        private nd_concurrent* m_Concurrent;

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

        /// <summary>What a call gives when there is no handle.</summary>
        internal int WhyNotConcurrent
        {
            get { return Handle == null ? InvalidHandle : DriverInUse; }
        }

        /// <summary>Pops the oldest event of a connection, beside other threads.</summary>
        /// <returns>Was there one?</returns>
        internal bool PopBeside(NetworkConnection connection, nd_event* popped)
        {
            if (!Events.IsEmpty && TakeAhead(connection, popped))
                return true;
            nd_concurrent* driver = Concurrent;
            return driver != null
                && NativeMethods.nd_concurrent_pop_event_for_connection(
                    driver, connection.Value, popped) == NativeMethods.ND_OK
                && popped->kind != NativeMethods.ND_EVENT_EMPTY;
        }

        // Programs that pop by connection alone have nothing that was popped ahead; others wait
        // here for each other, for a moment.
        private bool TakeAhead(NetworkConnection connection, nd_event* taken)
        {
            lock (m_Ahead)
            {
                if (!Enter())
                    return false;
                try
                {
                    return Events.TakeWaiting(connection, taken);
                }
                finally
                {
                    Leave();
                }
            }
        }

        internal int EventCountBeside(NetworkConnection connection)
        {
            uint count = 0;
            NativeMethods.nd_concurrent_get_event_count(Concurrent, connection.Value, &count);
            if (Events.IsEmpty)
                return (int)count;
            lock (m_Ahead)
                return (int)count + CountAhead(connection);
        }

        /// <summary>As <see cref="Refine"/>, beside other threads.</summary>
        internal int RefineBeside(int result, NetworkConnection connection)
        {
            if (result != (int)Error.StatusCode.NetworkVersionMismatch || Events.IsEmpty)
                return result;
            lock (m_Ahead)
            {
                return CountAhead(connection) > 0
                    ? (int)Error.StatusCode.NetworkStateMismatch : result;
            }
        }

        private int CountAhead(NetworkConnection connection)
        {
            if (!Enter())
                return 0;
            try
            {
                return Events.CountFor(connection);
            }
            finally
            {
                Leave();
            }
        }
    }
}
