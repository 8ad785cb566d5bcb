using System;

namespace NetDriver
{
    /// <summary>
    /// Numbers as little-endian bytes. Byte by byte, because a field of a message may lie at any
    /// address, and some processors trap on a wide access to an odd one.
    /// </summary>
    internal static unsafe class ByteOrder
    {
        internal static void Store(byte* at, ushort value)
        {
            at[0] = (byte)value;
            at[1] = (byte)(value >> 8);
        }

        internal static void Store(byte* at, uint value)
        {
            at[0] = (byte)value;
            at[1] = (byte)(value >> 8);
            at[2] = (byte)(value >> 16);
            at[3] = (byte)(value >> 24);
        }

        internal static void Store(byte* at, ulong value)
        {
            Store(at, (uint)value);
            Store(at + 4, (uint)(value >> 32));
        }

        internal static ushort Load16(byte* at)
        {
            return (ushort)(at[0] | (at[1] << 8));
        }

        internal static uint Load32(byte* at)
        {
            return (uint)(at[0] | (at[1] << 8) | (at[2] << 16) | (at[3] << 24));
        }

        internal static ulong Load64(byte* at)
        {
            return Load32(at) | ((ulong)Load32(at + 4) << 32);
        }

        internal static ushort Swap(ushort value)
        {
            return (ushort)((value << 8) | (value >> 8));
        }

        internal static uint Swap(uint value)
        {
            return ((uint)Swap((ushort)value) << 16) | Swap((ushort)(value >> 16));
        }

        internal static void CheckRange(byte[] array, int offset, int count)
        {
            if (array == null)
                throw new ArgumentNullException("array");
            if (offset < 0 || offset > array.Length)
                throw new ArgumentOutOfRangeException("offset");
            if (count < 0 || count > array.Length - offset)
                throw new ArgumentOutOfRangeException("count");
        }
    }
}
