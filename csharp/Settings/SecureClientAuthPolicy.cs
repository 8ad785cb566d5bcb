namespace NetDriver
{
    /// <summary>What a server asks of its clients' certificates.</summary>
    public enum SecureClientAuthPolicy
    {
        /// <summary>None is asked for.</summary>
        None = 0,
        /// <summary>One is asked for; a client without one is taken.</summary>
        Optional = 1,
        /// <summary>A client without a valid one is refused.</summary>
        Required = 2,
    }
}
