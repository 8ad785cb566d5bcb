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

        internal NetworkEvent.Type PopBeside(
            NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            if (!Events.IsEmpty)
            {
                NetworkEvent.Type kind = PopAhead(connection, out reader, out pipeline);
                if (kind != NetworkEvent.Type.Empty)
                    return kind;
            }
            nd_concurrent* driver = Concurrent;
            nd_event single;
            if (driver != null
                && NativeMethods.nd_concurrent_pop_event_for_connection(
                    driver, connection.Value, &single) == NativeMethods.ND_OK
                && single.kind != NativeMethods.ND_EVENT_EMPTY)
            {
                NetworkConnection same;
                return EventBatch.Read(&single, out same, out reader, out pipeline);
            }
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        // Programs that pop by connection alone have nothing that was popped ahead; others wait
        // here for each other, for a moment.
        private NetworkEvent.Type PopAhead(
            NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            lock (m_Ahead)
            {
                if (Enter())
                {
                    try
                    {
                        return Events.PopWaiting(connection, out reader, out pipeline);
                    }
                    finally
                    {
                        Leave();
                    }
                }
            }
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
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
