#if NETDRIVER_COLLECTIONS
using NameText = Unity.Collections.FixedString32Bytes;
#else
using NameText = System.String;
#endif

namespace NetDriver.Logging
{
    /// <summary>
    /// A name for a driver, which its settings keep as in Unity Transport. Lines of
    /// <see cref="NetDriverLog"/> name the connection that they are about, and no driver.
    /// </summary>
    public struct LoggingParameter : INetworkParameter
    {
        /// <summary>The name; not empty.</summary>
        public NameText DriverName;

        /// <summary>Is there a name?</summary>
        /// <returns>True when it is not empty.</returns>
        public bool Validate()
        {
            return (object)DriverName != null && DriverName.Length > 0;
        }
    }
}
