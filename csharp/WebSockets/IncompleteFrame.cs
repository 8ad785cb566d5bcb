namespace NetDriver.WebSockets
{
    /// <summary>A piece of a message that is not whole yet; valid in the callback only.</summary>
    public struct IncompleteFrame
    {
        /// <summary>Its bytes.</summary>
        public readonly BufferSegment Data;
        /// <summary>The message is text; the piece may be cut inside of a character.</summary>
        public readonly bool IsText;
        /// <summary>The message begins here.</summary>
        public readonly bool IsFirst;
        /// <summary>The message ends here.</summary>
        public readonly bool IsFinal;

        internal IncompleteFrame(BufferSegment data, NetworkEventDetails details)
        {
            Data = data;
            IsText = details.IsText;
            IsFirst = details.IsFirst;
            IsFinal = details.IsLast;
        }
    }
}
