using System;

namespace NetDriver.Interop
{
    /// <summary>
    /// Marks a method that native code calls. Compilers that translate ahead of time (IL2CPP, Mono
    /// with full AOT) look for an attribute of this name, wherever it is defined.
    /// </summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class MonoPInvokeCallbackAttribute : Attribute
    {
        internal MonoPInvokeCallbackAttribute(Type type)
        {
            Type = type;
        }

        internal Type Type { get; private set; }
    }
}
