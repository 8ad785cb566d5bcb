using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace NetDriver.WebSockets
{
    /// <summary>Godot's numbers as settings of a driver.</summary>
    internal static class GodotSettings
    {
        // The longest head of a frame: Godot counts payload, a driver what is on the wire.
        private const uint FrameHead = 14;
        private const uint MessageSizeMax = 256u << 20;

        internal static NetworkSettings Make(int inboundBytes, int outboundBytes, int inPackets,
            int outPackets, double heartbeatSeconds, NetworkPreset preset)
        {
            NetworkSettings settings = new NetworkSettings().WithPreset(preset);
            NetDriverParameter parameter = settings.GetNetDriverParameters();
            parameter.localCloseEvents = true;
            parameter.closeRequestEvents = true;
            parameter.inboundBytesMax = (uint)inboundBytes;
            parameter.webSocketMessageSizeMax = Math.Min((uint)inboundBytes, MessageSizeMax);
            // A longer message of this side than of the other one is as good as any.
            if (outboundBytes > inboundBytes)
                parameter.webSocketMessageSizeMax =
                    Math.Min((uint)outboundBytes, MessageSizeMax);
            parameter.outboundBytesMax = outboundBytes == 0 ? uint.MaxValue
                : Math.Max((uint)outboundBytes, NetworkParameterConstants.MaxMessageSize)
                    + FrameHead;
            parameter.webSocketSendQueueCapacity = (uint)outPackets;
            parameter.pingIntervalMS = (int)(heartbeatSeconds * 1000);
            parameter.pongTimeoutMS = parameter.pingIntervalMS;
            // Poll waits for its jobs, so a thread would be of no use.
            parameter.jobWorkers = 0;
            settings = settings.WithNetDriverParameters(parameter);
            NetworkConfigParameter config = settings.GetNetworkConfigParameters();
            config.receiveQueueCapacity = inPackets;
            return settings.WithNetworkConfigParameters(config);
        }

        // Several lines may have one name, such as Set-Cookie: each string is a key of its own.
        private sealed class EachLine : IEqualityComparer<string>
        {
            public bool Equals(string one, string other)
            {
                return ReferenceEquals(one, other);
            }

            public int GetHashCode(string name)
            {
                return RuntimeHelpers.GetHashCode(name);
            }
        }

        /// <summary>Lines "Name: value" as a table, in their order; null for none.</summary>
        internal static IDictionary<string, string> Headers(string[] lines)
        {
            if (lines == null || lines.Length == 0)
                return null;
            Dictionary<string, string> headers = new Dictionary<string, string>(new EachLine());
            foreach (string line in lines)
            {
                int colon = line == null ? -1 : line.IndexOf(':');
                if (colon < 1)
                    throw new ArgumentException("A header is a line \"Name: value\": " + line);
                headers.Add(line.Substring(0, colon), line.Substring(colon + 1).Trim());
            }
            return headers;
        }
    }
}
