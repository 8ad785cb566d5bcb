using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// A packet on its way through a stage; valid during the call that gets it.
    /// </summary>
    public unsafe struct NetworkPipelineStageCall
    {
        private readonly nd_stage_call* m_Call;

        internal NetworkPipelineStageCall(nd_stage_call* call)
        {
            m_Call = call;
        }

        /// <summary>The driver's time in microseconds.</summary>
        public ulong NowUs
        {
            get { return m_Call->now_us; }
        }

        /// <summary>
        /// When Timeout is to be called, in the driver's time; 0 is never. Set it to ask for it; it
        /// stays from call to call until its time comes.
        /// </summary>
        public ulong WakeUs
        {
            get { return m_Call->wake_us; }
            set { m_Call->wake_us = value; }
        }

        /// <summary>
        /// Does what is handed on go to the program? Otherwise it goes to the peer.
        /// </summary>
        public bool IsReceiving
        {
            get { return m_Call->receiving != 0; }
        }

        /// <summary>Bytes that may be handed on at once, header and payload together.</summary>
        public uint ForwardMax
        {
            get { return m_Call->forward_max; }
        }

        /// <summary>Bytes of the packet; 0 in Timeout.</summary>
        public int Length
        {
            get { return (int)m_Call->data_length; }
        }

        /// <summary>The packet, which may be changed in place.</summary>
        public byte* Data
        {
            get { return m_Call->data; }
        }

        /// <summary>One byte of the packet.</summary>
        /// <param name="index">Counts from 0.</param>
        public byte this[int index]
        {
            get { return m_Call->data[Checked(index)]; }
            set { m_Call->data[Checked(index)] = value; }
        }

        /// <summary>Hands the packet on as it is now.</summary>
        /// <returns>0 or a negative <see cref="Error.StatusCode"/>: sending, what comes behind did
        /// not take it.</returns>
        public int Forward()
        {
            return Forward(null, 0, m_Call->data, Length);
        }

        /// <summary>Hands the packet on with a header in front.</summary>
        /// <param name="header">The header.</param>
        /// <returns>As <see cref="Forward()"/>.</returns>
        public int Forward(byte[] header)
        {
            if (header == null)
                throw new ArgumentNullException("header");
            fixed (byte* first = header)
                return Forward(first, header.Length, m_Call->data, Length);
        }

        /// <summary>Hands the packet on without its first bytes.</summary>
        /// <param name="skip">How many.</param>
        /// <returns>As <see cref="Forward()"/>.</returns>
        public int ForwardFrom(int skip)
        {
            if (skip < 0 || skip > Length)
                throw new ArgumentOutOfRangeException("skip");
            return Forward(null, 0, m_Call->data + skip, Length - skip);
        }

        /// <summary>Hands on any bytes.</summary>
        /// <param name="header">What goes in front; may be null when it has no bytes.</param>
        /// <param name="headerLength">Its bytes.</param>
        /// <param name="payload">The rest; may be null when it has no bytes.</param>
        /// <param name="payloadLength">Its bytes.</param>
        /// <returns>As <see cref="Forward()"/>.</returns>
        public int Forward(byte* header, int headerLength, byte* payload, int payloadLength)
        {
            if (headerLength < 0 || payloadLength < 0)
                throw new ArgumentOutOfRangeException("payloadLength");
            return NativeMethods.nd_stage_forward(
                header, (uint)headerLength, payload, (uint)payloadLength);
        }

        private int Checked(int index)
        {
            if ((uint)index >= m_Call->data_length)
                throw new ArgumentOutOfRangeException("index");
            return index;
        }
    }
}
