using System;

namespace NetDriver.WebSockets
{
    /// <summary>A part of an array.</summary>
    public struct BufferSegment
    {
        /// <summary>The array; usually longer than the part.</summary>
        public readonly byte[] Data;
        /// <summary>The first byte of the part.</summary>
        public readonly int Offset;
        /// <summary>The bytes of the part.</summary>
        public readonly int Count;

        /// <summary>Names a part.</summary>
        /// <param name="data">The array.</param>
        /// <param name="offset">The first byte.</param>
        /// <param name="count">How many.</param>
        public BufferSegment(byte[] data, int offset, int count)
        {
            ByteOrder.CheckRange(data, offset, count);
            Data = data;
            Offset = offset;
            Count = count;
        }

        /// <summary>A copy of the part.</summary>
        /// <returns>An array of its length.</returns>
        public byte[] CopyToArray()
        {
            byte[] copy = new byte[Count];
            if (Count > 0)
                Buffer.BlockCopy(Data, Offset, copy, 0, Count);
            return copy;
        }
    }
}
