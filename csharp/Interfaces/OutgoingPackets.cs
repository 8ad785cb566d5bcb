using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// Datagrams that a custom interface is to send; valid during the call that gets them.
    /// </summary>
    public unsafe struct OutgoingPackets
    {
        private readonly nd_outgoing_packet* m_Packets;
        private readonly int m_Count;
        private int m_Taken;

        internal OutgoingPackets(nd_outgoing_packet* packets, int count)
        {
            m_Packets = packets;
            m_Count = count;
            m_Taken = count;
        }

        /// <summary>How many there are.</summary>
        public int Count
        {
            get { return m_Count; }
        }

        /// <summary>
        /// How many are taken, counted from the first; all, unless it is set. The others are
        /// offered again with the next flush, update or wait.
        /// </summary>
        public int Taken
        {
            get { return m_Taken; }
            set
            {
                if (value < 0 || value > m_Count)
                    throw new ArgumentOutOfRangeException("value");
                m_Taken = value;
            }
        }

        /// <summary>Where a datagram goes.</summary>
        /// <param name="index">Counts from 0.</param>
        /// <returns>The endpoint.</returns>
        public NetworkEndpoint GetEndpoint(int index)
        {
            return new NetworkEndpoint(At(index)->endpoint);
        }

        /// <summary>Bytes of a datagram.</summary>
        /// <param name="index">Counts from 0.</param>
        /// <returns>How many.</returns>
        public int GetLength(int index)
        {
            return (int)At(index)->length;
        }

        /// <summary>The bytes of a datagram, where they lie.</summary>
        /// <param name="index">Counts from 0.</param>
        /// <returns>The first byte.</returns>
        public byte* GetData(int index)
        {
            return At(index)->data;
        }

        /// <summary>Copies a datagram.</summary>
        /// <param name="index">Counts from 0.</param>
        /// <param name="buffer">Where to.</param>
        /// <param name="offset">Where it begins there.</param>
        /// <returns>How many bytes it has.</returns>
        public int CopyTo(int index, byte[] buffer, int offset)
        {
            if (buffer == null)
                throw new ArgumentNullException("buffer");
            nd_outgoing_packet* packet = At(index);
            int length = (int)packet->length;
            if (offset < 0 || offset > buffer.Length - length)
                throw new ArgumentOutOfRangeException("offset");
            for (int i = 0; i < length; i++)
                buffer[offset + i] = packet->data[i];
            return length;
        }

        private nd_outgoing_packet* At(int index)
        {
            if ((uint)index >= (uint)m_Count)
                throw new ArgumentOutOfRangeException("index");
            return &m_Packets[index];
        }
    }
}
