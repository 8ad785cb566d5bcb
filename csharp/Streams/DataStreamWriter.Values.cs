using System;
using System.Runtime.InteropServices;
#if UNITY_5_3_OR_NEWER
#pragma warning disable 162, 429, 1720 // what is for arrays alone
#endif

namespace NetDriver
{
    // Values of whole bytes, and single bits.
    public unsafe partial struct DataStreamWriter
    {
        /// <summary>Writes one byte.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteByte(byte value)
        {
            return Put8(value);
        }

        /// <summary>Writes 2 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteShort(short value)
        {
            return Put16((ushort)value);
        }

        /// <summary>Writes 2 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUShort(ushort value)
        {
            return Put16(value);
        }

        /// <summary>Writes 4 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteInt(int value)
        {
            return Put32((uint)value);
        }

        /// <summary>Writes 4 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUInt(uint value)
        {
            return Put32(value);
        }

        /// <summary>Writes 8 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteLong(long value)
        {
            return Put64((ulong)value);
        }

        /// <summary>Writes 8 bytes.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteULong(ulong value)
        {
            return Put64(value);
        }

        /// <summary>Writes 4 bytes (IEEE 754).</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteFloat(float value)
        {
            return Put32(*(uint*)&value);
        }

        /// <summary>Writes 8 bytes (IEEE 754).</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteDouble(double value)
        {
            return Put64(*(ulong*)&value);
        }

        /// <summary>Writes 2 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteShortNetworkByteOrder(short value)
        {
            return Put16(ByteOrder.Swap((ushort)value));
        }

        /// <summary>Writes 2 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUShortNetworkByteOrder(ushort value)
        {
            return Put16(ByteOrder.Swap(value));
        }

        /// <summary>Writes 4 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteIntNetworkByteOrder(int value)
        {
            return Put32(ByteOrder.Swap((uint)value));
        }

        /// <summary>Writes 4 bytes, big endian.</summary>
        /// <param name="value">The value.</param>
        /// <returns>Did it fit?</returns>
        public bool WriteUIntNetworkByteOrder(uint value)
        {
            return Put32(ByteOrder.Swap(value));
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(byte[] value)
        {
            if (value == null)
                throw new ArgumentNullException("value");
            fixed (byte* source = value)
                return WriteBytesUnsafe(source, value.Length);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">An array.</param>
        /// <param name="offset">The first of its bytes to write.</param>
        /// <param name="count">How many to write.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(byte[] value, int offset, int count)
        {
            ByteOrder.CheckRange(value, offset, count);
            fixed (byte* source = value)
                return WriteBytesUnsafe(source + offset, count);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="value">The bytes.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytes(ReadOnlySpan<byte> value)
        {
            fixed (byte* source = &MemoryMarshal.GetReference(value))
                return WriteBytesUnsafe(source, value.Length);
        }

        /// <summary>Writes bytes as they are.</summary>
        /// <param name="data">The bytes; may be null when there are none.</param>
        /// <param name="bytes">How many.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteBytesUnsafe(byte* data, int bytes)
        {
            if (!Align(bytes))
                return false;
            if (bytes == 0)
                return true;
            if (m_Array == null)
                Buffer.MemoryCopy(data, m_Pointer + m_Length, bytes, bytes);
            else
            {
                fixed (byte* start = m_Array)
                    Buffer.MemoryCopy(data, start + m_Length, bytes, bytes);
            }
            m_Length += bytes;
            return true;
        }

        /// <summary>Appends bits, the lowest first, without alignment.</summary>
        /// <param name="value">The bits; those above them must be 0.</param>
        /// <param name="numbits">How many: 0 to 32.</param>
        /// <returns>Did they fit?</returns>
        public bool WriteRawBits(uint value, int numbits)
        {
            if (numbits < 0 || numbits > 32)
                throw new ArgumentOutOfRangeException("numbits");
            if ((ulong)value >> numbits != 0)
                throw new ArgumentOutOfRangeException("value");
            return Fits(numbits) && Push(value, numbits);
        }

        private bool Put8(byte value)
        {
            if (!Align(1))
                return false;
            Store(value);
            m_Length++;
            return true;
        }

        private bool Put16(ushort value)
        {
            if (!Align(sizeof(ushort)))
                return false;
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(ushort);
            return true;
        }

        private bool Put32(uint value)
        {
            if (!Align(sizeof(uint)))
                return false;
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(uint);
            return true;
        }

        private bool Put64(ulong value)
        {
            if (!Align(sizeof(ulong)))
                return false;
            if (m_Array == null)
                ByteOrder.Store(m_Pointer + m_Length, value);
            else
            {
                fixed (byte* start = m_Array)
                    ByteOrder.Store(start + m_Length, value);
            }
            m_Length += sizeof(ulong);
            return true;
        }
    }
}
