namespace NetDriver
{
    /// <summary>
    /// The most UTF-8 bytes in Unity's fixed strings: 2 bytes of their size hold the length, and
    /// one the NUL at the end.
    /// </summary>
    internal static class FixedString
    {
        internal const int Max32 = 29;
        internal const int Max64 = 61;
        internal const int Max128 = 125;
        internal const int Max512 = 509;
        internal const int Max4096 = 4093;
    }
}
