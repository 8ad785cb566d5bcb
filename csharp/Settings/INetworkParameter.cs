namespace NetDriver
{
    /// <summary>
    /// Settings that <see cref="NetworkSettings"/> can hold: the driver's, and those that a program
    /// makes for interfaces and stages of its own.
    /// </summary>
    public interface INetworkParameter
    {
        /// <summary>Are the values possible ones?</summary>
        /// <returns>False: <see cref="NetworkSettings.AddRawParameterStruct{T}"/> refuses
        /// them.</returns>
        bool Validate();
    }
}
