using System;

namespace NetDriver
{
    /// <summary>
    /// A driver could not be created, or the native library could not be loaded. Other calls
    /// report by their return value and do not throw.
    /// </summary>
    public sealed class NetDriverException : Exception
    {
        /// <summary>Makes an exception.</summary>
        /// <param name="status">What the library returned.</param>
        /// <param name="message">What is wrong and what to do.</param>
        public NetDriverException(Error.StatusCode status, string message)
            : base(message)
        {
            Status = status;
        }

        /// <summary>What the library returned.</summary>
        public Error.StatusCode Status { get; private set; }
    }
}
