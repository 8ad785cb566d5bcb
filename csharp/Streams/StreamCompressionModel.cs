namespace NetDriver
{
    /// <summary>
    /// How numbers are packed: short codes for small ones. Both sides must use the same model;
    /// there is one, <see cref="Default"/>.
    /// </summary>
    public struct StreamCompressionModel
    {
        private const int CodeBitsMax = 6;

        // A number is in the last bucket whose first number is not above it: the bucket's code,
        // its lowest bit first, then how far the number is above the first one.
        private static readonly byte[] s_CodeBits =
        {
            2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6,
        };

        private static readonly byte[] s_Codes =
        {
            0, 2, 6, 1, 5, 13, 3, 11, 27, 7, 23, 55, 15, 47, 31, 63,
        };

        private static readonly byte[] s_ExtraBits =
        {
            0, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 27, 32,
        };

        private static readonly uint[] s_Firsts =
        {
            0, 1, 2, 4, 8, 16, 32, 96, 352, 1376, 5472, 38240, 300384, 2397536, 19174752,
            153392480,
        };

        // The bucket whose code the next bits begin with.
        private static readonly byte[] s_Decode = MakeDecode();

        /// <summary>The model of Unity's <c>StreamCompressionModel.Default</c>.</summary>
        public static StreamCompressionModel Default
        {
            get { return default(StreamCompressionModel); }
        }

        /// <summary>How long a packed number is.</summary>
        /// <param name="value">The number.</param>
        /// <returns>Bits: 2 to 38.</returns>
        public int GetCompressedSizeInBits(uint value)
        {
            int count;
            Encode(value, out count);
            return count;
        }

        // The bits of a packed number, the first one lowest, and how many they are (at most 38).
        internal static ulong Encode(uint value, out int count)
        {
            int bucket = 0;
            while (bucket + 1 < s_Firsts.Length && s_Firsts[bucket + 1] <= value)
                bucket++;
            int codeBits = s_CodeBits[bucket];
            count = codeBits + s_ExtraBits[bucket];
            return s_Codes[bucket] | (ulong)(value - s_Firsts[bucket]) << codeBits;
        }

        // The number that bits begin with, and how many of them it takes.
        internal static uint Decode(ulong bits, out int count)
        {
            int bucket = s_Decode[(int)bits & ((1 << CodeBitsMax) - 1)];
            int codeBits = s_CodeBits[bucket];
            int extraBits = s_ExtraBits[bucket];
            count = codeBits + extraBits;
            ulong extra = bits >> codeBits & ((1UL << extraBits) - 1);
            return unchecked(s_Firsts[bucket] + (uint)extra);
        }

        internal static uint ZigZag(int value)
        {
            return unchecked((uint)((value >> 31) ^ (value << 1)));
        }

        internal static ulong ZigZag(long value)
        {
            return unchecked((ulong)((value >> 63) ^ (value << 1)));
        }

        internal static int UnZigZag(uint value)
        {
            return unchecked((int)(value >> 1) ^ -(int)(value & 1));
        }

        internal static long UnZigZag(ulong value)
        {
            return unchecked((long)(value >> 1) ^ -(long)(value & 1));
        }

        private static byte[] MakeDecode()
        {
            byte[] decode = new byte[1 << CodeBitsMax];
            for (int bits = 0; bits < decode.Length; bits++)
            {
                for (int bucket = 0; bucket < s_Codes.Length; bucket++)
                {
                    if ((bits & ((1 << s_CodeBits[bucket]) - 1)) == s_Codes[bucket])
                        decode[bits] = (byte)bucket;
                }
            }
            return decode;
        }
    }
}
