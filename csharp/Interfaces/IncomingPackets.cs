using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Room for datagrams that a custom interface has received; valid during the call that gets it.
    /// </summary>
    public unsafe struct IncomingPackets
    {
        private readonly nd_incoming_packet* m_Packets;
        private readonly int m_Capacity;
        private int m_Count;

        internal IncomingPackets(nd_incoming_packet* packets, int capacity)
        {
            m_Packets = packets;
            m_Capacity = capacity;
            m_Count = 0;
        }

        /// <summary>How many were added.</summary>
        public int Count
        {
            get { return m_Count; }
        }

        /// <summary>Is there no room for another one?</summary>
        public bool IsFull
        {
            get { return m_Count >= m_Capacity; }
        }

        /// <summary>Bytes that the longest datagram may have.</summary>
        public int LengthMax
        {
            get { return m_Capacity == 0 ? 0 : (int)m_Packets[0].capacity; }
        }

        /// <summary>Adds a datagram.</summary>
        /// <param name="from">Where it came from; answers go there.</param>
        /// <param name="data">Its bytes, copied.</param>
        /// <param name="offset">Where they begin.</param>
        /// <param name="length">How many.</param>
        /// <returns>False: the packets are full, or it is too long; it was not added.</returns>
        public bool Add(NetworkEndpoint from, byte[] data, int offset, int length)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            if (offset < 0 || length < 0 || offset > data.Length - length)
                throw new ArgumentOutOfRangeException("offset");
            fixed (byte* first = data)
                return Add(from, first + offset, length);
        }

        /// <summary>Adds a datagram.</summary>
        /// <param name="from">Where it came from; answers go there.</param>
        /// <param name="data">Its bytes, copied.</param>
        /// <param name="length">How many.</param>
        /// <returns>False: the packets are full, or it is too long; it was not added.</returns>
        public bool Add(NetworkEndpoint from, byte* data, int length)
        {
            if (IsFull || length < 0 || length > LengthMax)
                return false;
            nd_incoming_packet* packet = &m_Packets[m_Count];
            packet->endpoint = from.m_Native;
            packet->length = (uint)length;
            for (int i = 0; i < length; i++)
                packet->data[i] = data[i];
            m_Count += 1;
            return true;
        }
    }
}
