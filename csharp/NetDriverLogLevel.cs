namespace NetDriver
{
    /// <summary>How talkative the log is.</summary>
    public enum NetDriverLogLevel
    {
        /// <summary>No lines.</summary>
        None = 0,
        /// <summary>Something failed that the program should know.</summary>
        Error = 1,
        /// <summary>Something is odd; the library goes on.</summary>
        Warning = 2,
        /// <summary>What happened, once per connection at most.</summary>
        Info = 3,
    }
}
