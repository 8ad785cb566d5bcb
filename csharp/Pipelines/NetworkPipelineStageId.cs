using System;
using System.Collections.Generic;

namespace NetDriver
{
    /// <summary>
    /// Names the type of a pipeline's stage. It is a number, so that it goes into native arrays and
    /// structs of Unity's jobs.
    /// </summary>
    public struct NetworkPipelineStageId : IEquatable<NetworkPipelineStageId>
    {
        private static readonly List<Type> s_Stages = new List<Type>();

        // The place in the list, counted from 1; 0 names no type.
        private readonly int m_Number;

        private NetworkPipelineStageId(int number)
        {
            m_Number = number;
        }

        /// <summary>The type; null of the default value.</summary>
        public Type Stage
        {
            get
            {
                lock (s_Stages)
                    return m_Number == 0 ? null : s_Stages[m_Number - 1];
            }
        }

        /// <summary>The name of a type.</summary>
        /// <typeparam name="T">The stage's type.</typeparam>
        /// <returns>The name; the same for each call.</returns>
        public static NetworkPipelineStageId Get<T>()
        {
            lock (s_Stages)
            {
                int place = s_Stages.IndexOf(typeof(T));
                if (place < 0)
                {
                    place = s_Stages.Count;
                    s_Stages.Add(typeof(T));
                }
                return new NetworkPipelineStageId(place + 1);
            }
        }

        /// <summary>Do both name one type?</summary>
        public static bool operator ==(NetworkPipelineStageId left, NetworkPipelineStageId right)
        {
            return left.m_Number == right.m_Number;
        }

        /// <summary>Do they name different types?</summary>
        public static bool operator !=(NetworkPipelineStageId left, NetworkPipelineStageId right)
        {
            return left.m_Number != right.m_Number;
        }

        /// <inheritdoc/>
        public bool Equals(NetworkPipelineStageId other)
        {
            return this == other;
        }

        /// <inheritdoc/>
        public override bool Equals(object other)
        {
            return other is NetworkPipelineStageId && this == (NetworkPipelineStageId)other;
        }

        /// <inheritdoc/>
        public override int GetHashCode()
        {
            return m_Number;
        }
    }
}
