using System;
using System.Collections.Generic;
using System.Reflection;

// Of UnityEngine.CoreModule.
namespace UnityEngine
{
    public class MonoBehaviour
    {
        /// <summary>The engine calls Start, Update and OnDestroy by their names.</summary>
        internal void Send(string message)
        {
            MethodInfo method = GetType().GetMethod(
                message, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            method.Invoke(this, null);
        }
    }

    public static class Debug
    {
        internal static readonly List<string> Errors = new List<string>();

        public static void Log(object message)
        {
            Console.WriteLine(message);
        }

        public static void LogError(object message)
        {
            lock (Errors)
                Errors.Add(message.ToString());
        }

        public static void LogException(Exception exception)
        {
            LogError(exception);
        }
    }
}
