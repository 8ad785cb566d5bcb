using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace NetDriver.Interop
{
    /// <summary>
    /// Events that were popped from the library in one call and not handed out yet. One call for
    /// 64 events costs a fraction of 64 calls. Whoever looks must not be able to tell: events are
    /// handed out in their order, those of one connection on demand, and what waits at an update
    /// is copied, as the library's memory ends there. For one thread at a time but for
    /// <see cref="TakeWaiting"/>: <see cref="DriverBlock"/> sees to that. It holds no reference.
    /// </summary>
    internal unsafe struct EventBatch
    {
        private const int Capacity = 64;
        // Behind them places for events popped one by one: the last one's, and the next one's.
        private const int Singles = 2;

        // A Disconnect event's reader shows one byte; here is every one, at an address that stays.
        private static readonly IntPtr s_Bytes = MakeBytes();

        private byte* m_Bytes;
        private nd_event* m_Events;
        // Copies of payloads that outlived their update: of events here, by their place, until the
        // update after they were handed out, and those that made room for others.
        private IntPtr* m_Kept;
        private IntPtr* m_Used;
        private int m_KeptCount;
        private int m_UsedCount;
        private int m_Next;
        private int m_Count;
        // Where the last event lies, which stays as it is until another one is handed out. Null:
        // there is none.
        private nd_event* m_Last;
        private ulong m_LastNumber;

        internal void Init()
        {
            m_Bytes = (byte*)s_Bytes;
            m_Events = (nd_event*)Marshal.AllocHGlobal(
                (Capacity + Singles) * sizeof(nd_event) + 2 * Capacity * sizeof(IntPtr));
            m_Kept = (IntPtr*)(m_Events + Capacity + Singles);
            m_Used = m_Kept + Capacity;
            for (int place = 0; place < Capacity; place++)
                m_Kept[place] = IntPtr.Zero;
        }

        /// <summary>
        /// Does nothing wait here? Any thread may ask; the answer is of use between the calls that
        /// have the driver to themselves, because only those change it.
        /// </summary>
        internal bool IsEmpty
        {
            get { return m_Next >= m_Count; }
        }

        /// <summary>The last event handed out since the last update, by <see cref="Pop"/> or
        /// <see cref="PopFor"/>.</summary>
        internal nd_event Last
        {
            get { return m_Last == null ? default(nd_event) : *m_Last; }
        }

        /// <summary>A number that changes with <see cref="Last"/>.</summary>
        internal ulong LastNumber
        {
            get { return m_LastNumber; }
        }

        internal NetworkEvent.Type Pop(
            nd_driver* driver, out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            do
            {
                while (m_Next < m_Count)
                {
                    nd_event* oldest = m_Events + m_Next++;
                    if (oldest->kind != NativeMethods.ND_EVENT_EMPTY)
                        return Show(oldest, out connection, out reader, out pipeline);
                }
            }
            while (Refill(driver));
            connection = default(NetworkConnection);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        internal NetworkEvent.Type PopFor(
            nd_driver* driver, NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            NetworkConnection same;
            nd_event* single = m_Events + Capacity;
            if (single == m_Last)
                single++;
            if ((m_Next < m_Count && TakeWaiting(connection, single))
                || (NativeMethods.nd_driver_pop_event_for_connection(
                    driver, connection.Value, single) == NativeMethods.ND_OK
                && single->kind != NativeMethods.ND_EVENT_EMPTY))
                return Show(single, out same, out reader, out pipeline);
            reader = default(DataStreamReader);
            pipeline = default(NetworkPipeline);
            return NetworkEvent.Type.Empty;
        }

        /// <summary>
        /// Takes the oldest event of a connection that waits here; it is not the last event then.
        /// Several threads may do so at once, and each event is taken by one.
        /// </summary>
        /// <returns>Did one wait?</returns>
        internal bool TakeWaiting(NetworkConnection connection, nd_event* taken)
        {
            ulong wanted = connection.Value;
            for (int place = m_Next; place < m_Count; place++)
            {
                nd_event* waiting = m_Events + place;
                int kind = waiting->kind;
                if (waiting->connection != wanted || kind == NativeMethods.ND_EVENT_EMPTY)
                    continue;
                *taken = *waiting;
                taken->kind = kind;
                if (Interlocked.CompareExchange(
                    ref waiting->kind, NativeMethods.ND_EVENT_EMPTY, kind) == kind)
                    return true;
            }
            return false;
        }

        internal int CountFor(NetworkConnection connection)
        {
            int count = 0;
            for (int place = m_Next; place < m_Count; place++)
            {
                if (m_Events[place].connection == connection.Value
                    && m_Events[place].kind != NativeMethods.ND_EVENT_EMPTY)
                    count++;
            }
            return count;
        }

        /// <summary>Was the end of a connection popped, but not handed out yet?</summary>
        internal bool HoldsEndOf(NetworkConnection connection)
        {
            for (int place = m_Next; place < m_Count; place++)
            {
                if (m_Events[place].connection == connection.Value
                    && m_Events[place].kind == NativeMethods.ND_EVENT_DISCONNECT)
                    return true;
            }
            return false;
        }

        /// <summary>Drops what waits of a connection that this side closed.</summary>
        /// <returns>Did something wait?</returns>
        internal bool Drop(NetworkConnection connection)
        {
            bool found = false;
            for (int place = m_Next; place < m_Count; place++)
            {
                if (m_Events[place].connection != connection.Value
                    || m_Events[place].kind == NativeMethods.ND_EVENT_EMPTY)
                    continue;
                found = true;
                m_Events[place].kind = NativeMethods.ND_EVENT_EMPTY;
                Release(place);
            }
            return found;
        }

        /// <summary>
        /// Copies what the library is about to take back. To be called before an update.
        /// </summary>
        internal void Keep()
        {
            SetLast(null);
            while (m_UsedCount > 0)
                Marshal.FreeHGlobal(m_Used[--m_UsedCount]);
            ReleaseHandedOut();
            // First every copy, each in its place: when memory runs out, nothing has moved yet.
            for (int place = m_Next; place < m_Count; place++)
            {
                if (m_Events[place].kind != NativeMethods.ND_EVENT_EMPTY
                    && m_Kept[place] == IntPtr.Zero && m_Events[place].data_length > 0)
                {
                    m_Kept[place] = Copy(m_Events + place);
                    m_KeptCount++;
                }
            }
            int kept = 0;
            for (int place = m_Next; place < m_Count; place++)
            {
                if (m_Events[place].kind == NativeMethods.ND_EVENT_EMPTY)
                    continue;
                IntPtr block = m_Kept[place];
                m_Kept[place] = IntPtr.Zero;
                m_Events[kept] = m_Events[place];
                m_Kept[kept++] = block;
            }
            m_Next = 0;
            m_Count = kept;
        }

        /// <summary>
        /// Frees this side's memory. The driver may be gone already, and the payloads of waiting
        /// events with it, so nothing here may look at them.
        /// </summary>
        internal void Free()
        {
            SetLast(null);
            m_Next = 0;
            m_Count = 0;
            while (m_UsedCount > 0)
                Marshal.FreeHGlobal(m_Used[--m_UsedCount]);
            for (int place = 0; place < Capacity; place++)
                Release(place);
            Marshal.FreeHGlobal((IntPtr)m_Events);
            m_Events = null;
        }

        /// <summary>What an event is to the program.</summary>
        internal NetworkEvent.Type Read(
            nd_event* source, out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            int kind = source->kind;
            // They are the same 8 bytes.
            connection = *(NetworkConnection*)&source->connection;
            pipeline = new NetworkPipeline(source->pipeline);
            if (kind == NativeMethods.ND_EVENT_DATA && source->data_length != 0)
            {
                DataStreamReader.Make(source->data, (int)source->data_length, out reader);
                return NetworkEvent.Type.Data;
            }
            switch (kind)
            {
                case NativeMethods.ND_EVENT_DATA:
                case NativeMethods.ND_EVENT_FRAGMENT:
                case NativeMethods.ND_EVENT_CONNECT:
                case NativeMethods.ND_EVENT_PONG:
                    byte* data = source->data_length == 0 ? m_Bytes : source->data;
                    DataStreamReader.Make(data, (int)source->data_length, out reader);
                    break;
                case NativeMethods.ND_EVENT_DISCONNECT:
                    DataStreamReader.Make(m_Bytes + source->reason, 1, out reader);
                    break;
                default:
                    reader = default(DataStreamReader);
                    break;
            }
            return (NetworkEvent.Type)kind;
        }

        // All that was here is handed out. Its copies live until the next update.
        private bool Refill(nd_driver* driver)
        {
            m_Next = 0;
            m_Count = 0;
            if (m_Events == null)
                return false;
            for (int place = 0; m_KeptCount > 0; place++)
            {
                if (m_Kept[place] == IntPtr.Zero)
                    continue;
                m_Used[m_UsedCount++] = m_Kept[place];
                m_Kept[place] = IntPtr.Zero;
                m_KeptCount--;
            }
            uint count;
            int result = NativeMethods.nd_driver_pop_events(driver, m_Events, Capacity, &count);
            if (result != NativeMethods.ND_OK)
                return false;
            m_Count = (int)count;
            return count > 0;
        }

        private void ReleaseHandedOut()
        {
            for (int place = 0; m_KeptCount > 0 && place < m_Count; place++)
            {
                if (place < m_Next || m_Events[place].kind == NativeMethods.ND_EVENT_EMPTY)
                    Release(place);
            }
        }

        private void Release(int place)
        {
            if (m_Kept[place] == IntPtr.Zero)
                return;
            Marshal.FreeHGlobal(m_Kept[place]);
            m_Kept[place] = IntPtr.Zero;
            m_KeptCount--;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private NetworkEvent.Type Show(
            nd_event* source, out NetworkConnection connection, out DataStreamReader reader,
            out NetworkPipeline pipeline)
        {
            SetLast(source);
            return Read(source, out connection, out reader, out pipeline);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void SetLast(nd_event* last)
        {
            m_Last = last;
            m_LastNumber++;
        }

        private static IntPtr Copy(nd_event* source)
        {
            IntPtr block = Marshal.AllocHGlobal((IntPtr)source->data_length);
            Buffer.MemoryCopy(source->data, (void*)block, source->data_length, source->data_length);
            source->data = (byte*)block;
            return block;
        }

        private static IntPtr MakeBytes()
        {
            IntPtr bytes = Marshal.AllocHGlobal(256);
            for (int value = 0; value < 256; value++)
                ((byte*)bytes)[value] = (byte)value;
            return bytes;
        }
    }
}
