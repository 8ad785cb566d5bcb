using System;

namespace NetDriver
{
    /// <summary>Names the type of a pipeline's stage.</summary>
    public struct NetworkPipelineStageId : IEquatable<NetworkPipelineStageId>
    {
        private readonly Type m_Stage;

        private NetworkPipelineStageId(Type stage)
        {
            m_Stage = stage;
        }

        /// <summary>The type; null of the default value.</summary>
        public Type Stage
        {
            get { return m_Stage; }
        }

        /// <summary>The name of a type.</summary>
        /// <typeparam name="T">The stage's type.</typeparam>
        /// <returns>The name.</returns>
        public static NetworkPipelineStageId Get<T>()
        {
            return new NetworkPipelineStageId(typeof(T));
        }

        /// <inheritdoc/>
        public bool Equals(NetworkPipelineStageId other)
        {
            return m_Stage == other.m_Stage;
        }

        /// <inheritdoc/>
        public override bool Equals(object other)
        {
            return other is NetworkPipelineStageId && Equals((NetworkPipelineStageId)other);
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            return m_Stage == null ? 0 : m_Stage.GetHashCode();
        }
    }
}
