using System;
using System.Text;
#if UNITY_5_3_OR_NEWER
#pragma warning disable 162, 429, 1720 // what is for arrays alone
#endif

namespace NetDriver
{
    // Strings: as they are, and packed against one that this side knows.
    public unsafe partial struct DataStreamReader
    {
#if !NETDRIVER_COLLECTIONS
        /// <summary>Reads a text of at most 29 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString32()
        {
            return ReadFixedText(FixedString.Max32);
        }

        /// <summary>Reads a text of at most 61 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString64()
        {
            return ReadFixedText(FixedString.Max64);
        }

        /// <summary>Reads a text of at most 125 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString128()
        {
            return ReadFixedText(FixedString.Max128);
        }

        /// <summary>Reads a text of at most 509 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString512()
        {
            return ReadFixedText(FixedString.Max512);
        }

        /// <summary>Reads a text of at most 4093 bytes; a longer one gives an empty text.</summary>
        /// <returns>The text.</returns>
        public string ReadFixedString4096()
        {
            return ReadFixedText(FixedString.Max4096);
        }
#endif

        /// <summary>
        /// Reads a text that was packed against the same baseline; one that is longer than 29
        /// bytes gives an empty text.
        /// </summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public string ReadPackedFixedString32Delta(
            string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max32];
            byte* old = stackalloc byte[FixedString.Max32];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max32);
            int length = ReadPackedText(text, FixedString.Max32, old, oldLength);
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(text, length);
        }

        /// <summary>
        /// Reads a text that was packed against the same baseline; one that is longer than 61
        /// bytes gives an empty text.
        /// </summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public string ReadPackedFixedString64Delta(
            string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max64];
            byte* old = stackalloc byte[FixedString.Max64];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max64);
            int length = ReadPackedText(text, FixedString.Max64, old, oldLength);
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(text, length);
        }

        /// <summary>
        /// Reads a text that was packed against the same baseline; one that is longer than 125
        /// bytes gives an empty text.
        /// </summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public string ReadPackedFixedString128Delta(
            string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max128];
            byte* old = stackalloc byte[FixedString.Max128];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max128);
            int length = ReadPackedText(text, FixedString.Max128, old, oldLength);
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(text, length);
        }

        /// <summary>
        /// Reads a text that was packed against the same baseline; one that is longer than 509
        /// bytes gives an empty text.
        /// </summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public string ReadPackedFixedString512Delta(
            string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max512];
            byte* old = stackalloc byte[FixedString.Max512];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max512);
            int length = ReadPackedText(text, FixedString.Max512, old, oldLength);
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(text, length);
        }

        /// <summary>
        /// Reads a text that was packed against the same baseline; one that is longer than 4093
        /// bytes gives an empty text.
        /// </summary>
        /// <param name="baseline">The text that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The text; an empty one past the end.</returns>
        public string ReadPackedFixedString4096Delta(
            string baseline, in StreamCompressionModel model)
        {
            byte* text = stackalloc byte[FixedString.Max4096];
            byte* old = stackalloc byte[FixedString.Max4096];
            int oldLength = FixedString.Baseline(baseline, old, FixedString.Max4096);
            int length = ReadPackedText(text, FixedString.Max4096, old, oldLength);
            return length == 0 ? string.Empty : Encoding.UTF8.GetString(text, length);
        }

        /// <summary>
        /// Reads a text's bytes without making a string; one that is longer than the array gives
        /// none.
        /// </summary>
        /// <param name="array">Where the UTF-8 bytes go.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadFixedString(byte[] array)
        {
            if (array == null)
                throw new ArgumentNullException("array");
            fixed (byte* bytes = array)
                return ReadFixedStringUnsafe(bytes, array.Length);
        }

        /// <summary>
        /// Reads a text's bytes without making a string; one that is longer than the memory gives
        /// none.
        /// </summary>
        /// <param name="data">Where the UTF-8 bytes go.</param>
        /// <param name="maxLength">How many there is room for.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadFixedStringUnsafe(byte* data, int maxLength)
        {
            int count = TakeTextLength(maxLength);
            if (count != 0)
                ReadBytesUnsafe(data, count);
            return (ushort)count;
        }

        /// <summary>
        /// Reads a text's bytes that were packed against others, without making a string; a text
        /// that is longer than the array gives none.
        /// </summary>
        /// <param name="data">Where the UTF-8 bytes go.</param>
        /// <param name="baseData">The bytes that they were packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadPackedFixedStringDelta(
            byte[] data, byte[] baseData, in StreamCompressionModel model)
        {
            if (data == null)
                throw new ArgumentNullException("data");
            if (baseData == null)
                throw new ArgumentNullException("baseData");
            int room = Math.Min(data.Length, ushort.MaxValue);
            fixed (byte* text = data, old = baseData)
                return (ushort)ReadPackedText(text, room, old, baseData.Length);
        }

        /// <summary>
        /// Reads a text's bytes that were packed against others, without making a string; a text
        /// that is longer than the memory gives none.
        /// </summary>
        /// <param name="data">Where the UTF-8 bytes go.</param>
        /// <param name="maxLength">How many there is room for.</param>
        /// <param name="baseData">The bytes that they were packed against.</param>
        /// <param name="baseLength">How many those are.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>How many there are; 0 past the end.</returns>
        public ushort ReadPackedFixedStringDeltaUnsafe(
            byte* data, int maxLength, byte* baseData, ushort baseLength,
            in StreamCompressionModel model)
        {
            int room = Math.Min(maxLength, ushort.MaxValue);
            return (ushort)ReadPackedText(data, room, baseData, baseLength);
        }

#if !NETDRIVER_COLLECTIONS
        private string ReadFixedText(int most)
        {
            return ReadText(TakeTextLength(most));
        }
#endif

        // Reads the length of a text that is there whole. One that is too long has its length read,
        // and counts as empty; of one that is cut off, nothing is read.
        private int TakeTextLength(int most)
        {
            int position = m_Position;
            int bitCount = m_BitCount;
            int before = m_FailedReads;
            int count = Get16();
            if (m_FailedReads != before || count > most)
                return 0;
            if (count <= m_Length - m_Position)
                return count;
            FailAt(position, bitCount);
            return 0;
        }

        private string ReadText(int count)
        {
            if (count == 0)
                return string.Empty;
            Flush();
            string text = m_Array != null ? Encoding.UTF8.GetString(m_Array, m_Position, count)
                : Encoding.UTF8.GetString(m_Pointer + m_Position, count);
            m_Position += count;
            return text;
        }

        // What a read that failed has left in the text is 0.
        private int ReadPackedText(byte* text, int room, byte* old, int oldLength)
        {
            int position = m_Position;
            int bitCount = m_BitCount;
            uint packed;
            if (!TakePacked(out packed))
            {
                Fail();
                return 0;
            }
            uint length = unchecked((uint)(oldLength - StreamCompressionModel.UnZigZag(packed)));
            if (length > (uint)room)
                return 0;
            for (int i = 0; i < (int)length; i++)
            {
                if (TakePacked(out packed))
                {
                    text[i] = unchecked((byte)(i < oldLength
                        ? old[i] - StreamCompressionModel.UnZigZag(packed) : (int)packed));
                    continue;
                }
                FailAt(position, bitCount);
                for (int k = 0; k < i; k++)
                    text[k] = 0;
                return 0;
            }
            return (int)length;
        }
    }
}
