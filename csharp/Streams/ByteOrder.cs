using System;
using System.Runtime.CompilerServices;

namespace NetDriver
{
    /// <summary>
    /// Numbers as little-endian bytes. A field of a message may lie at any address, and some
    /// processors of 32 bits trap on a wide access to an odd one: there it goes byte by byte.
    /// </summary>
    internal static unsafe class ByteOrder
    {
        // The runtime knows it when it compiles what asks for it.
        private static bool IsWide
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get { return sizeof(IntPtr) == 8 && BitConverter.IsLittleEndian; }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static void Store(byte* at, ushort value)
        {
            if (IsWide)
                *(ushort*)at = value;
            else
                StoreBytes(at, value, sizeof(ushort));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static void Store(byte* at, uint value)
        {
            if (IsWide)
                *(uint*)at = value;
            else
                StoreBytes(at, value, sizeof(uint));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static void Store(byte* at, ulong value)
        {
            if (IsWide)
                *(ulong*)at = value;
            else
                StoreBytes(at, value, sizeof(ulong));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static ushort Load16(byte* at)
        {
            return IsWide ? *(ushort*)at : (ushort)LoadBytes(at, sizeof(ushort));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static uint Load32(byte* at)
        {
            return IsWide ? *(uint*)at : (uint)LoadBytes(at, sizeof(uint));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static ulong Load64(byte* at)
        {
            return IsWide ? *(ulong*)at : (ulong)LoadBytes(at, sizeof(ulong));
        }

        // Byte by byte, as everybody may.
        internal static void StoreBytes(byte* at, ulong value, int count)
        {
            for (int i = 0; i < count; i++)
                at[i] = (byte)(value >> (8 * i));
        }

        internal static ulong LoadBytes(byte* at, int count)
        {
            ulong value = 0;
            for (int i = 0; i < count; i++)
                value |= (ulong)at[i] << (8 * i);
            return value;
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
