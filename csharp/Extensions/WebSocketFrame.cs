using System;
using NetDriver.Interop;

namespace NetDriver
{
    /// <summary>
    /// A data frame on its way through an extension; valid during the call that gets it.
    /// </summary>
    public unsafe struct WebSocketFrame
    {
        private readonly nd_extension_frame* m_Frame;

        internal WebSocketFrame(nd_extension_frame* frame)
        {
            m_Frame = frame;
        }

        /// <summary>0 continuation, 1 text, 2 binary.</summary>
        public int Opcode
        {
            get { return (int)m_Frame->opcode; }
        }

        /// <summary>Is it the last (or only) frame of its message?</summary>
        public bool IsLast
        {
            get { return m_Frame->last != 0; }
        }

        /// <summary>
        /// Decode: those of the extension's reserved bits that are set. Encode: 0; set what the
        /// frame shall have.
        /// </summary>
        public int ReservedBits
        {
            get { return (int)m_Frame->reserved_bits; }
            set { m_Frame->reserved_bits = (uint)value; }
        }

        /// <summary>Bytes of the payload.</summary>
        public int Length
        {
            get { return (int)m_Frame->data_length; }
        }

        /// <summary>The payload, unmasked.</summary>
        public byte* Data
        {
            get { return m_Frame->data; }
        }

        /// <summary>One byte of the payload.</summary>
        /// <param name="index">Counts from 0.</param>
        public byte this[int index]
        {
            get
            {
                if ((uint)index >= m_Frame->data_length)
                    throw new ArgumentOutOfRangeException("index");
                return m_Frame->data[index];
            }
        }

        /// <summary>Appends to the new payload.</summary>
        /// <param name="bytes">The bytes, copied.</param>
        /// <param name="offset">Where they begin.</param>
        /// <param name="count">How many.</param>
        /// <returns>
        /// 0, or <see cref="Error.StatusCode.NetworkPacketOverflow"/>: the frame may not be so
        /// long, and the connection fails with 1009.
        /// </returns>
        public int Write(byte[] bytes, int offset, int count)
        {
            if (bytes == null)
                throw new ArgumentNullException("bytes");
            if (offset < 0 || count < 0 || offset > bytes.Length - count)
                throw new ArgumentOutOfRangeException("offset");
            fixed (byte* first = bytes)
                return NativeMethods.nd_extension_write(first + offset, (uint)count);
        }
    }
}
