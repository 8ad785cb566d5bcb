using System;
using System.Text;

// Of com.unity.collections: texts of a fixed size. They are made as there: 2 bytes length, the
// text, a NUL; and a text that is too long is an error.
namespace Unity.Collections
{
    internal static unsafe class FixedStringText
    {
        internal static ushort Fill(byte* bytes, int most, string text)
        {
            byte[] encoded = Encoding.UTF8.GetBytes(text ?? string.Empty);
            if (encoded.Length > most)
                throw new ArgumentException("the text does not fit");
            for (int i = 0; i < encoded.Length; i++)
                bytes[i] = encoded[i];
            bytes[encoded.Length] = 0;
            return (ushort)encoded.Length;
        }

        internal static int Checked(int length, int most)
        {
            if (length < 0 || length > most)
                throw new IndexOutOfRangeException("Length " + length + " of " + most);
            return length;
        }
    }

    public unsafe struct FixedString32Bytes
    {
        private ushort m_Length;
        private fixed byte m_Bytes[30];

        public FixedString32Bytes(string text)
            : this()
        {
            fixed (byte* bytes = m_Bytes)
                m_Length = FixedStringText.Fill(bytes, UTF8MaxLengthInBytes, text);
        }

        public static int UTF8MaxLengthInBytes
        {
            get { return 29; }
        }

        public bool IsEmpty
        {
            get { return m_Length == 0; }
        }

        public int Length
        {
            get { return m_Length; }
            set
            {
                m_Length = (ushort)FixedStringText.Checked(value, UTF8MaxLengthInBytes);
                GetUnsafePtr()[value] = 0;
            }
        }

        public byte this[int index]
        {
            get { return GetUnsafePtr()[FixedStringText.Checked(index, m_Length - 1)]; }
        }

        public byte* GetUnsafePtr()
        {
            fixed (byte* bytes = m_Bytes)
                return bytes;
        }

        public override string ToString()
        {
            return Encoding.UTF8.GetString(GetUnsafePtr(), m_Length);
        }

        public override bool Equals(object other)
        {
            return other is FixedString32Bytes && this == (FixedString32Bytes)other;
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }

        public static bool operator ==(FixedString32Bytes left, FixedString32Bytes right)
        {
            return left.ToString() == right.ToString();
        }

        public static bool operator !=(FixedString32Bytes left, FixedString32Bytes right)
        {
            return !(left == right);
        }

        public static implicit operator FixedString32Bytes(string text)
        {
            return new FixedString32Bytes(text);
        }

        public static implicit operator FixedString64Bytes(FixedString32Bytes text)
        {
            return new FixedString64Bytes(text.ToString());
        }

        public static implicit operator FixedString128Bytes(FixedString32Bytes text)
        {
            return new FixedString128Bytes(text.ToString());
        }

        public static implicit operator FixedString512Bytes(FixedString32Bytes text)
        {
            return new FixedString512Bytes(text.ToString());
        }

        public static implicit operator FixedString4096Bytes(FixedString32Bytes text)
        {
            return new FixedString4096Bytes(text.ToString());
        }
    }

    public unsafe struct FixedString64Bytes
    {
        private ushort m_Length;
        private fixed byte m_Bytes[62];

        public FixedString64Bytes(string text)
            : this()
        {
            fixed (byte* bytes = m_Bytes)
                m_Length = FixedStringText.Fill(bytes, UTF8MaxLengthInBytes, text);
        }

        public static int UTF8MaxLengthInBytes
        {
            get { return 61; }
        }

        public bool IsEmpty
        {
            get { return m_Length == 0; }
        }

        public int Length
        {
            get { return m_Length; }
            set
            {
                m_Length = (ushort)FixedStringText.Checked(value, UTF8MaxLengthInBytes);
                GetUnsafePtr()[value] = 0;
            }
        }

        public byte this[int index]
        {
            get { return GetUnsafePtr()[FixedStringText.Checked(index, m_Length - 1)]; }
        }

        public byte* GetUnsafePtr()
        {
            fixed (byte* bytes = m_Bytes)
                return bytes;
        }

        public override string ToString()
        {
            return Encoding.UTF8.GetString(GetUnsafePtr(), m_Length);
        }

        public override bool Equals(object other)
        {
            return other is FixedString64Bytes && this == (FixedString64Bytes)other;
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }

        public static bool operator ==(FixedString64Bytes left, FixedString64Bytes right)
        {
            return left.ToString() == right.ToString();
        }

        public static bool operator !=(FixedString64Bytes left, FixedString64Bytes right)
        {
            return !(left == right);
        }

        public static implicit operator FixedString64Bytes(string text)
        {
            return new FixedString64Bytes(text);
        }

        public static implicit operator FixedString128Bytes(FixedString64Bytes text)
        {
            return new FixedString128Bytes(text.ToString());
        }

        public static implicit operator FixedString512Bytes(FixedString64Bytes text)
        {
            return new FixedString512Bytes(text.ToString());
        }

        public static implicit operator FixedString4096Bytes(FixedString64Bytes text)
        {
            return new FixedString4096Bytes(text.ToString());
        }
    }

    public unsafe struct FixedString128Bytes
    {
        private ushort m_Length;
        private fixed byte m_Bytes[126];

        public FixedString128Bytes(string text)
            : this()
        {
            fixed (byte* bytes = m_Bytes)
                m_Length = FixedStringText.Fill(bytes, UTF8MaxLengthInBytes, text);
        }

        public static int UTF8MaxLengthInBytes
        {
            get { return 125; }
        }

        public bool IsEmpty
        {
            get { return m_Length == 0; }
        }

        public int Length
        {
            get { return m_Length; }
            set
            {
                m_Length = (ushort)FixedStringText.Checked(value, UTF8MaxLengthInBytes);
                GetUnsafePtr()[value] = 0;
            }
        }

        public byte this[int index]
        {
            get { return GetUnsafePtr()[FixedStringText.Checked(index, m_Length - 1)]; }
        }

        public byte* GetUnsafePtr()
        {
            fixed (byte* bytes = m_Bytes)
                return bytes;
        }

        public override string ToString()
        {
            return Encoding.UTF8.GetString(GetUnsafePtr(), m_Length);
        }

        public override bool Equals(object other)
        {
            return other is FixedString128Bytes && this == (FixedString128Bytes)other;
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }

        public static bool operator ==(FixedString128Bytes left, FixedString128Bytes right)
        {
            return left.ToString() == right.ToString();
        }

        public static bool operator !=(FixedString128Bytes left, FixedString128Bytes right)
        {
            return !(left == right);
        }

        public static implicit operator FixedString128Bytes(string text)
        {
            return new FixedString128Bytes(text);
        }

        public static implicit operator FixedString512Bytes(FixedString128Bytes text)
        {
            return new FixedString512Bytes(text.ToString());
        }

        public static implicit operator FixedString4096Bytes(FixedString128Bytes text)
        {
            return new FixedString4096Bytes(text.ToString());
        }
    }

    public unsafe struct FixedString512Bytes
    {
        private ushort m_Length;
        private fixed byte m_Bytes[510];

        public FixedString512Bytes(string text)
            : this()
        {
            fixed (byte* bytes = m_Bytes)
                m_Length = FixedStringText.Fill(bytes, UTF8MaxLengthInBytes, text);
        }

        public static int UTF8MaxLengthInBytes
        {
            get { return 509; }
        }

        public bool IsEmpty
        {
            get { return m_Length == 0; }
        }

        public int Length
        {
            get { return m_Length; }
            set
            {
                m_Length = (ushort)FixedStringText.Checked(value, UTF8MaxLengthInBytes);
                GetUnsafePtr()[value] = 0;
            }
        }

        public byte this[int index]
        {
            get { return GetUnsafePtr()[FixedStringText.Checked(index, m_Length - 1)]; }
        }

        public byte* GetUnsafePtr()
        {
            fixed (byte* bytes = m_Bytes)
                return bytes;
        }

        public override string ToString()
        {
            return Encoding.UTF8.GetString(GetUnsafePtr(), m_Length);
        }

        public override bool Equals(object other)
        {
            return other is FixedString512Bytes && this == (FixedString512Bytes)other;
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }

        public static bool operator ==(FixedString512Bytes left, FixedString512Bytes right)
        {
            return left.ToString() == right.ToString();
        }

        public static bool operator !=(FixedString512Bytes left, FixedString512Bytes right)
        {
            return !(left == right);
        }

        public static implicit operator FixedString512Bytes(string text)
        {
            return new FixedString512Bytes(text);
        }

        public static implicit operator FixedString4096Bytes(FixedString512Bytes text)
        {
            return new FixedString4096Bytes(text.ToString());
        }
    }

    public unsafe struct FixedString4096Bytes
    {
        private ushort m_Length;
        private fixed byte m_Bytes[4094];

        public FixedString4096Bytes(string text)
            : this()
        {
            fixed (byte* bytes = m_Bytes)
                m_Length = FixedStringText.Fill(bytes, UTF8MaxLengthInBytes, text);
        }

        public static int UTF8MaxLengthInBytes
        {
            get { return 4093; }
        }

        public bool IsEmpty
        {
            get { return m_Length == 0; }
        }

        public int Length
        {
            get { return m_Length; }
            set
            {
                m_Length = (ushort)FixedStringText.Checked(value, UTF8MaxLengthInBytes);
                GetUnsafePtr()[value] = 0;
            }
        }

        public byte this[int index]
        {
            get { return GetUnsafePtr()[FixedStringText.Checked(index, m_Length - 1)]; }
        }

        public byte* GetUnsafePtr()
        {
            fixed (byte* bytes = m_Bytes)
                return bytes;
        }

        public override string ToString()
        {
            return Encoding.UTF8.GetString(GetUnsafePtr(), m_Length);
        }

        public override bool Equals(object other)
        {
            return other is FixedString4096Bytes && this == (FixedString4096Bytes)other;
        }

        public override int GetHashCode()
        {
            return ToString().GetHashCode();
        }

        public static bool operator ==(FixedString4096Bytes left, FixedString4096Bytes right)
        {
            return left.ToString() == right.ToString();
        }

        public static bool operator !=(FixedString4096Bytes left, FixedString4096Bytes right)
        {
            return !(left == right);
        }

        public static implicit operator FixedString4096Bytes(string text)
        {
            return new FixedString4096Bytes(text);
        }
    }
}
