using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace NetDriver.Interop
{
    /// <summary>
    /// What the frequent calls on a driver need of this side, without a reference, so that a
    /// <see cref="NetworkDriver"/> holds numbers alone and goes into a struct of Unity's jobs. It
    /// lies in memory that is used for one driver after the other and never freed: a value of a
    /// disposed driver, whose handle is another one, may look at it. One thread at a time is
    /// inside; another one is told that the driver is in use. The rest is
    /// <see cref="DriverState"/>'s.
    /// </summary>
    internal unsafe partial struct DriverBlock
    {
        private const int DriverInUse = (int)Error.StatusCode.DriverInUse;
        private const int InvalidHandle = (int)Error.StatusCode.InvalidHandle;
        // Of m_Use: a call has the driver to itself.
        private const long Alone = 0xFFFFFFFF;
        // Of m_Use: between two drivers. It is no driver's, so that nobody gets in.
        private const long Nobody = -1;

        // Whose block it is, and who is inside, in one number: whoever means another driver than
        // the one that has the block changes nothing of it, not even for an instant. Above a
        // driver's handle, which fits into 32 bits; below how many threads take events beside each
        // other, or Alone. It is first, so that its address is a multiple of 8 everywhere.
        private long m_Use;
        /// <summary>The driver that it is used for; null between two.</summary>
        internal nd_driver* Handle;
        /// <summary>Which of all blocks it is.</summary>
        internal readonly int Place;
        internal EventBatch Events;
        private bool m_LocalCloseEvents;
        private IntPtr m_Concurrent;

        internal DriverBlock(int place)
            : this()
        {
            Place = place;
            m_Use = Nobody;
        }

        internal void Begin(nd_driver* handle, bool localCloseEvents)
        {
            Events = default(EventBatch);
            Events.Init();
            m_LocalCloseEvents = localCloseEvents;
            m_Concurrent = IntPtr.Zero;
            Handle = handle;
            Volatile.Write(ref m_Use, Free(handle));
        }

        /// <summary>The driver was destroyed by the call that is inside.</summary>
        internal void End()
        {
            Handle = null;
            m_Concurrent = IntPtr.Zero;
            Events.Free();
            Volatile.Write(ref m_Use, Nobody);
        }

        /// <summary>
        /// The library refuses a second thread, but it knows nothing of this side's memory.
        /// Whoever touches that comes through here first; nobody waits. Whose block it is, is asked
        /// in the same step: until then another thread can dispose the driver, and create one that
        /// gets it. Short, so that popping has no call for it.
        /// </summary>
        /// <param name="driver">The driver that the caller means.</param>
        /// <returns>Is it this thread's until <see cref="Leave"/>?</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool Enter(nd_driver* driver)
        {
            long free = Free(driver);
            return Interlocked.CompareExchange(ref m_Use, free | Alone, free) == free;
        }

        // What m_Use is while a driver has the block and nobody is inside.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static long Free(nd_driver* driver)
        {
            return (long)driver << 32;
        }

        /// <summary>What a call returns that was not let in.</summary>
        internal int Refusal(nd_driver* driver)
        {
            return Handle == driver ? DriverInUse : InvalidHandle;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Leave()
        {
            Volatile.Write(ref m_Use, m_Use & ~Alone);
        }

        internal NetworkEvent.Type Pop(
            nd_driver* driver, out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            if (Enter(driver))
            {
                try
                {
                    return Events.Pop(driver, out connection, out reader, out pipeline);
                }
                finally
                {
                    Leave();
                }
            }
            connection = default(NetworkConnection);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        internal NetworkEvent.Type PopFor(
            nd_driver* driver, NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            if (Enter(driver))
            {
                try
                {
                    return Events.PopFor(driver, connection, out reader, out pipeline);
                }
                finally
                {
                    Leave();
                }
            }
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        internal int EventCount(nd_driver* driver, NetworkConnection connection)
        {
            if (!Enter(driver))
                return 0;
            try
            {
                uint count = 0;
                NativeMethods.nd_driver_get_event_count(Handle, connection.Value, &count);
                return (int)count + Events.CountFor(connection);
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>
        /// What a call on a connection returns. When the connection's end was popped but not handed
        /// out yet, the library has forgotten it; for the program it is still there, and closed.
        /// </summary>
        internal int Refine(nd_driver* driver, int result, NetworkConnection connection)
        {
            if (result != (int)Error.StatusCode.NetworkVersionMismatch)
                return result;
            if (!Enter(driver))
                return Refusal(driver);
            try
            {
                return Events.CountFor(connection) > 0
                    ? (int)Error.StatusCode.NetworkStateMismatch : result;
            }
            finally
            {
                Leave();
            }
        }

        internal int Disconnect(nd_driver* driver, NetworkConnection connection)
        {
            if (!Enter(driver))
                return Refusal(driver);
            try
            {
                return Closed(
                    connection, NativeMethods.nd_driver_disconnect(Handle, connection.Value));
            }
            finally
            {
                Leave();
            }
        }

        internal int Close(
            nd_driver* driver, NetworkConnection connection, ushort code, byte* reason,
            uint length)
        {
            if (!Enter(driver))
                return Refusal(driver);
            try
            {
                return Closed(connection, NativeMethods.nd_driver_close(
                    Handle, connection.Value, code, reason, length));
            }
            finally
            {
                Leave();
            }
        }

        internal int Abort(nd_driver* driver, NetworkConnection connection)
        {
            if (!Enter(driver))
                return Refusal(driver);
            try
            {
                int result = NativeMethods.nd_driver_abort(Handle, connection.Value);
                bool gone = result == (int)Error.StatusCode.NetworkVersionMismatch;
                if (result != NativeMethods.ND_OK && !gone)
                    return result;
                return Events.Drop(connection) ? NativeMethods.ND_OK : result;
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>The update of a job: it waits while a call of the program is inside.</summary>
        internal int UpdateInJob(nd_driver* driver)
        {
            if (!EnterJob(driver))
                return InvalidHandle;
            try
            {
                Events.Keep();
                return NativeMethods.nd_driver_update(driver);
            }
            finally
            {
                Leave();
            }
        }

        // After a local close no event follows, those that were popped ahead included. When the
        // connection's end was among them, the library has forgotten the connection already.
        private int Closed(NetworkConnection connection, int result)
        {
            bool gone = result == (int)Error.StatusCode.NetworkVersionMismatch;
            if (result != NativeMethods.ND_OK && !gone)
                return result;
            if (m_LocalCloseEvents && EndIsToCome(connection))
                return NativeMethods.ND_OK;
            return Events.Drop(connection) ? NativeMethods.ND_OK : result;
        }

        // The program wants to see the end of connections that it closes, and with it what comes
        // before: does such an end wait here, or in the library?
        private bool EndIsToCome(NetworkConnection connection)
        {
            int state = 0;
            uint count = 0;
            NativeMethods.nd_connection_get_state(Handle, connection.Value, &state);
            NativeMethods.nd_driver_get_event_count(Handle, connection.Value, &count);
            return state == NativeMethods.ND_STATE_DISCONNECTING || count > 0
                || Events.HoldsEndOf(connection);
        }

        // Calls of the program that are inside come out soon: none waits for a job. False once the
        // driver is destroyed.
        private bool EnterJob(nd_driver* driver)
        {
            SpinWait wait = default(SpinWait);
            while (!Enter(driver))
            {
                if (Refusal(driver) == InvalidHandle)
                    return false;
                wait.SpinOnce();
            }
            return true;
        }
    }
}
