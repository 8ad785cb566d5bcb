using System;
using System.Runtime.InteropServices;
#if UNITY_5_3_OR_NEWER
#pragma warning disable 162, 429, 1720 // what is for arrays alone
#endif

namespace NetDriver
{
    // Values of whole bytes, and single bits.
    public unsafe partial struct DataStreamReader
    {
        /// <summary>Reads one byte.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public byte ReadByte()
        {
            return Get8();
        }

        /// <summary>Reads 2 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public short ReadShort()
        {
            return (short)Get16();
        }

        /// <summary>Reads 2 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ushort ReadUShort()
        {
            return Get16();
        }

        /// <summary>Reads 4 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadInt()
        {
            return (int)Get32();
        }

        /// <summary>Reads 4 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadUInt()
        {
            return Get32();
        }

        /// <summary>Reads 8 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public long ReadLong()
        {
            return (long)Get64();
        }

        /// <summary>Reads 8 bytes.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ulong ReadULong()
        {
            return Get64();
        }

        /// <summary>Reads 4 bytes (IEEE 754).</summary>
        /// <returns>The value; 0 past the end.</returns>
        public float ReadFloat()
        {
            uint bits = Get32();
            return *(float*)&bits;
        }

        /// <summary>Reads 8 bytes (IEEE 754).</summary>
        /// <returns>The value; 0 past the end.</returns>
        public double ReadDouble()
        {
            ulong bits = Get64();
            return *(double*)&bits;
        }

        /// <summary>Reads 2 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public short ReadShortNetworkByteOrder()
        {
            return (short)ByteOrder.Swap(Get16());
        }

        /// <summary>Reads 2 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public ushort ReadUShortNetworkByteOrder()
        {
            return ByteOrder.Swap(Get16());
        }

        /// <summary>Reads 4 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadIntNetworkByteOrder()
        {
            return (int)ByteOrder.Swap(Get32());
        }

        /// <summary>Reads 4 bytes, big endian.</summary>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadUIntNetworkByteOrder()
        {
            return ByteOrder.Swap(Get32());
        }

        /// <summary>Reads as many bytes as the array has; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        public void ReadBytes(byte[] destination)
        {
            if (destination == null)
                throw new ArgumentNullException("destination");
            fixed (byte* target = destination)
                ReadBytesUnsafe(target, destination.Length);
        }

        /// <summary>Reads bytes into a part of an array; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        /// <param name="offset">The first byte to fill.</param>
        /// <param name="count">How many.</param>
        public void ReadBytes(byte[] destination, int offset, int count)
        {
            ByteOrder.CheckRange(destination, offset, count);
            fixed (byte* target = destination)
                ReadBytesUnsafe(target + offset, count);
        }

        /// <summary>Reads as many bytes as fit; past the end they are 0.</summary>
        /// <param name="destination">Where they go.</param>
        public void ReadBytes(Span<byte> destination)
        {
            fixed (byte* target = &MemoryMarshal.GetReference(destination))
                ReadBytesUnsafe(target, destination.Length);
        }

        /// <summary>Reads bytes; past the end they are 0.</summary>
        /// <param name="data">Where they go; may be null when there are none.</param>
        /// <param name="length">How many.</param>
        public void ReadBytesUnsafe(byte* data, int length)
        {
            if (!Align(length))
            {
                for (int i = 0; i < length; i++)
                    data[i] = 0;
                return;
            }
            if (length == 0)
                return;
            if (m_Array == null)
                Buffer.MemoryCopy(m_Pointer + m_Position, data, length, length);
            else
            {
                fixed (byte* start = m_Array)
                    Buffer.MemoryCopy(start + m_Position, data, length, length);
            }
            m_Position += length;
        }

        /// <summary>Reads bits, the first one lowest, without alignment.</summary>
        /// <param name="numbits">How many: 0 to 32.</param>
        /// <returns>The bits; 0 past the end.</returns>
        public uint ReadRawBits(int numbits)
        {
            if (numbits < 0 || numbits > 32)
                throw new ArgumentOutOfRangeException("numbits");
            ulong value;
            if (TakeBits(numbits, out value))
                return (uint)value;
            Fail();
            return 0;
        }

        /// <summary>Reads all bytes that are left.</summary>
        /// <returns>A new array.</returns>
        public byte[] ReadRemainingBytes()
        {
            byte[] bytes = new byte[Remaining];
            ReadBytes(bytes);
            return bytes;
        }

        /// <summary>
        /// Reads all bytes that are left as UTF-8: a text message of a WebSocket.
        /// </summary>
        /// <returns>The text.</returns>
        public string ReadRemainingText()
        {
            return ReadText(Remaining);
        }

        /// <summary>
        /// The bytes that are left, in place: no copy, valid as long as the reader.
        /// </summary>
        /// <returns>The bytes; reading them does not move the reader.</returns>
        public ReadOnlySpan<byte> AsSpan()
        {
            int start = GetBytesRead();
            return m_Array != null ? new ReadOnlySpan<byte>(m_Array, start, m_Length - start)
                : new ReadOnlySpan<byte>(m_Pointer + start, m_Length - start);
        }

        private byte Get8()
        {
            if (!Align(1))
                return 0;
            byte value = m_Array == null ? m_Pointer[m_Position] : m_Array[m_Position];
            m_Position++;
            return value;
        }

        private ushort Get16()
        {
            if (!Align(sizeof(ushort)))
                return 0;
            ushort value;
            if (m_Array == null)
                value = ByteOrder.Load16(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load16(start + m_Position);
            }
            m_Position += sizeof(ushort);
            return value;
        }

        private uint Get32()
        {
            if (!Align(sizeof(uint)))
                return 0;
            uint value;
            if (m_Array == null)
                value = ByteOrder.Load32(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load32(start + m_Position);
            }
            m_Position += sizeof(uint);
            return value;
        }

        private ulong Get64()
        {
            if (!Align(sizeof(ulong)))
                return 0;
            ulong value;
            if (m_Array == null)
                value = ByteOrder.Load64(m_Pointer + m_Position);
            else
            {
                fixed (byte* start = m_Array)
                    value = ByteOrder.Load64(start + m_Position);
            }
            m_Position += sizeof(ulong);
            return value;
        }
    }
}
