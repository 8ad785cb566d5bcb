using System;
using System.Text;

namespace NetDriver.TLS
{
    /// <summary>
    /// A certificate or key in PEM as a value without references, for settings that are built where
    /// there are no strings. Elsewhere a <c>string</c> is smaller.
    /// </summary>
    public unsafe struct FixedPEMString
    {
        private const int Size = 16 * 1024;

        private int m_Length;
        private fixed byte m_Bytes[Size];

        /// <summary>The most bytes of the text.</summary>
        public const int MaxLength = Size - 1;

        /// <summary>A text as such a value.</summary>
        /// <param name="pem">The text; null is an empty one.</param>
        /// <exception cref="ArgumentException">It has more than <see cref="MaxLength"/> bytes.
        /// </exception>
        public FixedPEMString(string pem)
            : this()
        {
            byte[] bytes = Encoding.UTF8.GetBytes(pem ?? string.Empty);
            if (bytes.Length > MaxLength)
                throw new ArgumentException(
                    "The text has " + bytes.Length + " bytes, and " + MaxLength + " are the most. "
                    + "Give certificates as strings instead.", "pem");
            Fill(bytes);
        }

        /// <summary>What settings hold, to be shown.</summary>
        /// <exception cref="InvalidOperationException">It is too long for that.</exception>
        internal static FixedPEMString Shown(string pem, string what)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(pem ?? string.Empty);
            if (bytes.Length > MaxLength)
                throw new InvalidOperationException(
                    "GetSecureParameters cannot show the " + what + ": it has " + bytes.Length
                    + " bytes, and a FixedPEMString holds " + MaxLength + ". The settings are "
                    + "right and hold; keep the text yourself if you need it.");
            FixedPEMString shown = default(FixedPEMString);
            shown.Fill(bytes);
            return shown;
        }

        private void Fill(byte[] bytes)
        {
            fixed (byte* own = m_Bytes)
            {
                for (int i = 0; i < bytes.Length; i++)
                    own[i] = bytes[i];
            }
            m_Length = bytes.Length;
        }

        /// <summary>Bytes of the text.</summary>
        public int Length
        {
            get { return m_Length; }
        }

        /// <summary>The text.</summary>
        public override string ToString()
        {
            fixed (byte* own = m_Bytes)
                return Encoding.UTF8.GetString(own, m_Length);
        }

        // As the library's options have it.
        internal string OrNull()
        {
            return m_Length == 0 ? null : ToString();
        }
    }
}
