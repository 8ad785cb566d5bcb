namespace NetDriver
{
    /// <summary>What belongs to the fragmentation stage.</summary>
    public static class FragmentationUtility
    {
        /// <summary>Its parameters.</summary>
        public struct Parameters
        {
            /// <summary>Bytes of the longest message; 1 to 24115775.</summary>
            public int PayloadCapacity;

            /// <summary>The default values.</summary>
            public static Parameters Default
            {
                get { return new Parameters { PayloadCapacity = 4096 }; }
            }
        }
    }
}
