using System;

namespace NetDriver
{
    /// <summary>Names the pipeline that a message goes through.</summary>
    public struct NetworkPipeline : IEquatable<NetworkPipeline>
    {
        internal NetworkPipeline(byte id)
        {
            Id = id;
        }

        /// <summary>No pipeline: messages go as they are.</summary>
        public static NetworkPipeline Null
        {
            get { return default(NetworkPipeline); }
        }

        /// <summary>The pipeline's number; 0 is no pipeline.</summary>
        public byte Id { get; private set; }

        /// <summary>Do both name one pipeline?</summary>
        public static bool operator ==(NetworkPipeline left, NetworkPipeline right)
        {
            return left.Id == right.Id;
        }

        /// <summary>Do they name different pipelines?</summary>
        public static bool operator !=(NetworkPipeline left, NetworkPipeline right)
        {
            return left.Id != right.Id;
        }

        /// <inheritdoc/>
        public bool Equals(NetworkPipeline other)
        {
            return Id == other.Id;
        }

        /// <inheritdoc/>
        public override bool Equals(object other)
        {
            return other is NetworkPipeline && Equals((NetworkPipeline)other);
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            return Id;
        }
    }
}
