using System.Collections.Generic;
using System.Text;

namespace NetDriver.Interop
{
    /// <summary>Several texts in one array, which a call pins at once.</summary>
    internal sealed unsafe class TlsTexts
    {
        private readonly List<byte> m_Bytes = new List<byte>();
        private readonly List<int> m_Starts = new List<int>();
        private readonly List<int> m_Lengths = new List<int>();

        /// <summary>Adds a text; null is a text that is not there.</summary>
        internal void Add(string text)
        {
            Add(text == null ? null : Encoding.UTF8.GetBytes(text));
        }

        /// <summary>Adds a text with a NUL at its end; null is a text that is not there.</summary>
        internal void AddNulEnded(string text, string parameterName)
        {
            Add(Utf8.NulEnded(text, parameterName));
        }

        /// <summary>Adds bytes; null are bytes that are not there.</summary>
        internal void Add(byte[] bytes)
        {
            m_Starts.Add(bytes == null ? -1 : m_Bytes.Count);
            m_Lengths.Add(bytes == null ? 0 : bytes.Length);
            if (bytes != null)
                m_Bytes.AddRange(bytes);
        }

        /// <summary>All of them; never empty, so that it can be pinned.</summary>
        internal byte[] ToArray()
        {
            byte[] bytes = new byte[m_Bytes.Count + 1];
            m_Bytes.CopyTo(bytes);
            return bytes;
        }

        /// <summary>Where a text lies in the pinned array; null when it is not there.</summary>
        internal byte* At(byte* bytes, int text)
        {
            return m_Starts[text] < 0 ? null : bytes + m_Starts[text];
        }

        internal uint Length(int text)
        {
            return (uint)m_Lengths[text];
        }
    }
}
