namespace NetDriver
{
    /// <summary>Which packets a simulator stage acts on.</summary>
    public enum ApplyMode : byte
    {
        /// <summary>Those that arrive.</summary>
        ReceivedPacketsOnly,
        /// <summary>Those that leave.</summary>
        SentPacketsOnly,
        /// <summary>All.</summary>
        AllPackets,
        /// <summary>None.</summary>
        Off,
    }
}
