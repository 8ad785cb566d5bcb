namespace NetDriver
{
    // Packed numbers: Huffman codes and deltas.
    public unsafe partial struct DataStreamReader
    {
        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadPackedUInt(in StreamCompressionModel model)
        {
            uint value;
            if (TakePacked(out value))
                return value;
            Fail();
            return 0;
        }

        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadPackedInt(in StreamCompressionModel model)
        {
            return StreamCompressionModel.UnZigZag(ReadPackedUInt(model));
        }

        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public ulong ReadPackedULong(in StreamCompressionModel model)
        {
            int position = m_Position;
            int bitCount = m_BitCount;
            uint low, high;
            if (TakePacked(out low) && TakePacked(out high))
                return (ulong)high << 32 | low;
            FailAt(position, bitCount);
            return 0;
        }

        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public long ReadPackedLong(in StreamCompressionModel model)
        {
            return StreamCompressionModel.UnZigZag(ReadPackedULong(model));
        }

        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public float ReadPackedFloat(in StreamCompressionModel model)
        {
            return ReadPackedFloatDelta(0.0f, model);
        }

        /// <summary>Reads a packed number.</summary>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public double ReadPackedDouble(in StreamCompressionModel model)
        {
            return ReadPackedDoubleDelta(0.0, model);
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public uint ReadPackedUIntDelta(uint baseline, in StreamCompressionModel model)
        {
            int before = m_FailedReads;
            int delta = ReadPackedInt(model);
            return m_FailedReads == before ? unchecked(baseline - (uint)delta) : 0;
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public int ReadPackedIntDelta(int baseline, in StreamCompressionModel model)
        {
            int before = m_FailedReads;
            int delta = ReadPackedInt(model);
            return m_FailedReads == before ? unchecked(baseline - delta) : 0;
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public ulong ReadPackedULongDelta(ulong baseline, in StreamCompressionModel model)
        {
            int before = m_FailedReads;
            long delta = ReadPackedLong(model);
            return m_FailedReads == before ? unchecked(baseline - (ulong)delta) : 0;
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public long ReadPackedLongDelta(long baseline, in StreamCompressionModel model)
        {
            int before = m_FailedReads;
            long delta = ReadPackedLong(model);
            return m_FailedReads == before ? unchecked(baseline - delta) : 0;
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public float ReadPackedFloatDelta(float baseline, in StreamCompressionModel model)
        {
            bool differs;
            ulong bits;
            if (!TakeIfDifferent(1, out differs, out bits))
                return 0.0f;
            uint half = (uint)bits;
            return differs ? *(float*)&half : baseline;
        }

        /// <summary>Reads a number that was packed against the same baseline.</summary>
        /// <param name="baseline">The value that it was packed against.</param>
        /// <param name="model">How numbers are packed.</param>
        /// <returns>The value; 0 past the end.</returns>
        public double ReadPackedDoubleDelta(double baseline, in StreamCompressionModel model)
        {
            bool differs;
            ulong bits;
            if (!TakeIfDifferent(2, out differs, out bits))
                return 0.0;
            return differs ? *(double*)&bits : baseline;
        }

        // A bit, and behind a set one a number of one or two times 32 bits.
        private bool TakeIfDifferent(int words, out bool differs, out ulong bits)
        {
            int position = m_Position;
            int bitCount = m_BitCount;
            ulong set;
            ulong high = 0;
            bits = 0;
            bool there = TakeBits(1, out set);
            differs = set != 0;
            if (there && differs)
                there = TakeBits(32, out bits) && (words == 1 || TakeBits(32, out high));
            bits |= high << 32;
            return there || FailAt(position, bitCount);
        }
    }
}
